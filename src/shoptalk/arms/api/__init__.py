"""Embeddings from an endpoint."""

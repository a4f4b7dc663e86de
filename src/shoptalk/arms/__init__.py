"""Retrievers under comparison: BM25, encoders, finished runs, endpoints, and what is combined of these."""

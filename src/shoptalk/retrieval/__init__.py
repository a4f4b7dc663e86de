"""Retrievers, metrics over their results, and tests of the difference between two."""

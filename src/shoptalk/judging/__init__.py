"""A set of queries that people judge: drawn, pooled, graded, and written as a collection."""

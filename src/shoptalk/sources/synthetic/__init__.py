"""Synthetic queries: who writes them, which are kept, and the source that yields them."""

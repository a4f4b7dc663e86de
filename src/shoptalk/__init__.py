"""shoptalk: teach an embedding model the language of one domain."""

__version__ = "0.1.0"

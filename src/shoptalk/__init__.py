"""shoptalk: teach an embedding model the language of one domain."""

import os

__version__ = "0.1.0"

# Threads that spin while they wait make a step ten times slower as soon as any other program wants a core.
# Read once, when torch loads its OpenMP runtime; a value the user has set stands.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

"""An evaluation: retrievers by name, measured side by side, the best of them chosen."""

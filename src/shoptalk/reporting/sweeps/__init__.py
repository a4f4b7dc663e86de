"""The page a sweep leaves, and how one of its trials is run again."""

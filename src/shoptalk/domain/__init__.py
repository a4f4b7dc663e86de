"""A domain: its corpus, its judged queries, and where its click log lies."""

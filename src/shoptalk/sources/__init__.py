"""Training data: every source yields the one Pairs table."""

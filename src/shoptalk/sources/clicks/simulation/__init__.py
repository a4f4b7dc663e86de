"""A simulated click log: who searches, what they are shown, what they do."""

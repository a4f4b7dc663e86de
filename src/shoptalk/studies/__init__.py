"""Optuna studies: the space they search, where they are kept, how trials are given out and taken back."""

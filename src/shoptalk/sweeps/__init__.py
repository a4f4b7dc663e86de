"""Sweeps: Hydra jobs as trials of an Optuna study, many at a time, and what is said when they are done."""

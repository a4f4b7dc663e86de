"""Logs as people have them, turned into the one schema of ``log.COLUMNS``."""

"""A finished run beside the model it began with, searched query by query."""

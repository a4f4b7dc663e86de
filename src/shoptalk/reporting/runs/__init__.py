"""Finished runs side by side: one page, or a W&B Report, of the same sections."""

"""Documents that look right and are wrong, and how they are told from those that are right."""

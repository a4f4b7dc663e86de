"""From scheduled pairs to adapted weights, in Lightning."""

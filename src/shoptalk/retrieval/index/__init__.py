"""How document vectors are searched: exactly, or by an approximate index where that pays."""

"""Pages for people: blocks that reports are put together from."""

"""A small web server for pages that one person uses at one machine."""

"""Asking models over HTTP: paced, tried again where that may help, within a budget, keys never repeated."""

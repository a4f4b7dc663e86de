"""Click logs: simulated or real, read into weighted pairs."""

"""What a run tells: terminal, files, tracking."""

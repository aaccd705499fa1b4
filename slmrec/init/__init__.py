"""What lies in data/: formats and columns found by looking, and settings sized to the logs."""

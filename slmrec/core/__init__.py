"""What all rooms stand on: stages, locks, files, errors, tables, checkpoints."""

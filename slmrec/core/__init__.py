"""What every room stands on: stages, locks, whole files, errors, tables, checkpoints."""

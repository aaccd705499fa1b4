"""The ten verbs of dvc.yaml, one file each."""

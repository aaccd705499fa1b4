"""params.yaml as typed sections, one file each: every bound, and no value."""

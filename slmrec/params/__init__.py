"""params.yaml as typed sections, one file a section; every bound stands here, no value does."""

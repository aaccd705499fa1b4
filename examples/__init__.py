"""Programs of consumers: what a bundle is used by, each run by a test."""

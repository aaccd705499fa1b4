"""A small HTTP service around a bundle: one process, answers in batches, versions without a gap."""

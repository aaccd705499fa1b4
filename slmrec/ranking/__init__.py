"""Where the target lands among all items: scores, ranks, metrics."""

"""Whether the data is fit to learn from: checks, profile, drift, the page."""

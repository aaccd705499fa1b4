"""Logs to try things on: MovieLens-100k, and simulated ones of any size."""

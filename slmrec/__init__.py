"""slmrec: distil a language model into a small, fast sequential recommender."""

__version__ = "0.1.0"

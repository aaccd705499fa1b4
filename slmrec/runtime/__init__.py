"""What a service loads: a bundle, numpy and onnxruntime; no torch, no Polars."""

from slmrec.core.errors import BundleError, SlmrecError, UnavailableError, UsageError
from slmrec.runtime.recommender import Recommendation, Recommender, UnknownItemsWarning, verify

__all__ = [
    "BundleError",
    "Recommendation",
    "Recommender",
    "SlmrecError",
    "UnavailableError",
    "UnknownItemsWarning",
    "UsageError",
    "verify",
]

"""What a service loads: a bundle, numpy and onnxruntime; no torch, no Polars."""

from slmrec.runtime.recommender import Recommendation, Recommender, UnknownItemsWarning, verify

__all__ = ["Recommendation", "Recommender", "UnknownItemsWarning", "verify"]

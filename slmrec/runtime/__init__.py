"""What a service loads: a bundle, numpy and onnxruntime; no torch, no Polars."""

from slmrec.core.errors import BundleError, SlmrecError, UnavailableError, UsageError
from slmrec.runtime.answers import (
    Recommendation,
    Recommendations,
    UnknownIds,
    UnknownItemsWarning,
)
from slmrec.runtime.follow import FollowingRecommender
from slmrec.runtime.recommender import Recommender
from slmrec.runtime.stepper import Stepper, UserState
from slmrec.runtime.two_stage import TwoStageRecommender
from slmrec.runtime.user_tower import UserTower, UserVectors
from slmrec.runtime.verification import verify

__all__ = [
    "BundleError",
    "FollowingRecommender",
    "Recommendation",
    "Recommendations",
    "Recommender",
    "SlmrecError",
    "Stepper",
    "TwoStageRecommender",
    "UnavailableError",
    "UnknownIds",
    "UnknownItemsWarning",
    "UsageError",
    "UserState",
    "UserTower",
    "UserVectors",
    "verify",
]

"""Settings by their names in params.yaml, and which of them a part searches, between what bounds.

A range holds the value that stands in params.yaml, so that the search starts from there.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
)
from pydantic import ValidationError

from slmrec.core.errors import UsageError
from slmrec.params.params_file import Params
from slmrec.tuning.space import Choice, PartSpace, Range

DIGITS = 3  # of a value that is tried: more would say nothing
Sections = dict[str, Any]  # params.yaml


def value_of(params: Sections, name: str) -> Any:
    """The value of a setting. Raises UsageError where params.yaml has none of this name."""
    value: Any = params
    for key in name.split("."):
        if not isinstance(value, dict) or key not in value:
            raise UsageError(f"params.yaml has no {name}, which is to be searched; mend the space")
        value = value[key]
    return value


def changed(params: Sections, settings: Mapping[str, Any]) -> Sections:
    """A copy of params.yaml with these settings."""
    params = copy.deepcopy(params)
    for name, value in settings.items():
        *keys, last = name.split(".")
        section = params
        for key in keys:
            section = section[key]
        section[last] = value
    return params


def distributions(space: PartSpace, params: Sections) -> dict[str, BaseDistribution]:
    """What a part searches in these params, each with the bounds that the space gives it.

    A setting of which one choice alone fits is left out.
    """
    found: dict[str, BaseDistribution] = {}
    for name, bounds in space.settings.items():
        condition = space.only_where.get(name)
        if condition is not None and value_of(params, condition.setting) not in condition.is_:
            continue
        distribution = _distribution(name, bounds, params)
        if not distribution.single():
            found[name] = distribution
    return found


def _distribution(name: str, bounds: Range | Choice, params: Sections) -> BaseDistribution:
    present = value_of(params, name)
    if isinstance(bounds, Choice):
        values = {value for value in bounds.values if fits(params, {name: value})}
        return CategoricalDistribution(sorted(values | {present}, key=_order))
    if isinstance(present, bool) or not isinstance(present, int | float):
        raise UsageError(f"{name} is {present!r} in params.yaml, which no range holds; use choice")
    if bounds.kind == "log" and present <= 0:
        raise UsageError(f"{name} is {present} in params.yaml, which no log range holds")
    low, high = min(bounds.low, present), max(bounds.high, present)
    return FloatDistribution(low, high, log=bounds.kind == "log")


def _order(value: Any) -> tuple[bool, Any]:
    return isinstance(value, str), value  # numbers before words


def fits(params: Sections, settings: Mapping[str, Any]) -> bool:
    """Whether params.yaml is valid with these settings."""
    try:
        Params.model_validate(changed(params, settings))
    except ValidationError:
        return False
    return True


def present_values(params: Sections, names: Mapping[str, Any]) -> dict[str, Any]:
    """What params.yaml has of these settings."""
    return {name: value_of(params, name) for name in names}


def rounded(value: Any, present: Any) -> Any:
    """A drawn value as it is tried and written: few digits, but the present value as it is."""
    if isinstance(value, float) and value != present:
        return float(f"{value:.{DIGITS}g}")
    return present if value == present else value

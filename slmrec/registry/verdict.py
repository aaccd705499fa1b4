"""The gate's verdict: each rule with what was seen; as JSON, as lines, as a page."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from slmrec.core.html_page import page_template

PAGE = Path(__file__).with_name("verdict.html.jinja")


@dataclass(frozen=True)
class Rule:
    """One rule, and what was seen. Bounds that are None bind nothing."""

    name: str
    seen: float
    what: str  # what `seen` is
    reason: str  # why there is such a rule
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    not_judged: str | None = None  # why it binds nothing here

    @property
    def passed(self) -> bool:
        """Whether it holds, or is not judged."""
        return self.not_judged is not None or (
            (self.above is None or self.seen > self.above)
            and (self.at_least is None or self.seen >= self.at_least)
            and (self.at_most is None or self.seen <= self.at_most)
        )

    @property
    def bound(self) -> str:
        """The bounds in words."""
        bounds = {"above": self.above, "at least": self.at_least, "at most": self.at_most}
        given = [f"{word} {value:.4g}" for word, value in bounds.items() if value is not None]
        return f"not judged: {self.not_judged}" if self.not_judged else ", ".join(given)

    @property
    def mark(self) -> str:
        """One word for a person: pass, FAIL or a dash."""
        return "-" if self.not_judged else "pass" if self.passed else "FAIL"

    def settled_by(self, why: str) -> Rule:
        """The same, which binds nothing here."""
        return replace(self, not_judged=why)

    def as_json(self) -> dict[str, Any]:
        """Its fields, its bounds in words, and whether it passed."""
        return asdict(self) | {"bound": self.bound, "passed": self.passed}

    @property
    def line(self) -> str:
        """One line for a terminal."""
        return f"{self.mark:<4}  {self.name:<28} {self.seen:>8.4f}  {self.bound}"


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger may take the champion's place, and by which rules."""

    challenger: str  # sha256 of the manifest of the bundle that was judged
    champion: str | None  # the version it was held against; None for the first one
    window: dict[str, Any]
    figures: dict[str, dict[str, float]]  # of challenger, champion and baselines
    rules: list[Rule]
    override: str | None  # why it is published all the same

    @property
    def passed(self) -> bool:
        """Whether every rule holds."""
        return all(rule.passed for rule in self.rules)

    @property
    def failed(self) -> list[str]:
        """Names of the rules that do not hold."""
        return [rule.name for rule in self.rules if not rule.passed]

    @property
    def publishes(self) -> bool:
        """Whether the challenger is published: by the rules, or by an override."""
        return self.passed or self.override is not None

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        against = f"the champion {self.champion}" if self.champion else "the baselines"
        if self.passed:
            return f"passed: all {len(self.rules)} rules hold against {against}"
        broken = f"{len(self.failed)} of {len(self.rules)} rules are broken: "
        broken += ", ".join(self.failed)
        if self.override is not None:
            return f"overridden ({self.override}): {broken}"
        return f"kept {against if self.champion else 'nothing'}: {broken}"

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        fields = {name: value for name, value in vars(self).items() if name != "rules"}
        return fields | {
            "rules": [rule.as_json() for rule in self.rules],
            "passed": self.passed,
            "publishes": self.publishes,
        }

    def page(self) -> str:
        """HTML of the page, one file that loads nothing."""
        return page_template(PAGE).render(verdict=self)

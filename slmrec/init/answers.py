"""What a person says of the logs, by flags or at the terminal, and what is left in doubt."""

from __future__ import annotations

from dataclasses import dataclass, fields
from shlex import quote

NONE = "none"  # said of a column or file that the logs do not have
LINES = "lines"  # said of the sequence: events are in the order of the files' lines


@dataclass(frozen=True)
class Answers:
    """One field a flag, None where nothing was said; the flag of `time_format` is --time-format."""

    events_file: str | None = None
    user: str | None = None
    item: str | None = None
    time: str | None = None
    time_format: str | None = None
    sequence: str | None = None
    weight: str | None = None
    type: str | None = None
    items_file: str | None = None
    title: str | None = None
    encoding: str | None = None
    header: str | None = None
    items_encoding: str | None = None
    items_header: str | None = None

    def answer_to(self, key: str) -> str | None:
        """The answer to one question."""
        if key not in {field.name for field in fields(self)}:
            raise KeyError(key)
        answer: str | None = getattr(self, key)
        return answer


@dataclass(frozen=True)
class Doubt:
    """Something that the files leave open: a sentence, what was taken, and what else may be meant.

    `key` is the field of Answers that settles it.
    """

    key: str
    sentence: str
    taken: str
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The option of `slmrec init` that settles it."""
        return f"--{self.key.replace('_', '-')}"

    @property
    def line(self) -> str:
        """The doubt in one line, with its flag."""
        return f"{self.sentence}; settle it with {self.flag} {quote(self.taken)}"

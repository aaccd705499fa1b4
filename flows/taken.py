"""What has been taken from landing folders, in a file that is written only after a success."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from flows.landing import Landed, end_of
from slmrec.core.errors import DataError, UsageError
from slmrec.core.files import read_json, write_json


class Strict(BaseModel):
    """What every part of the file is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Look(Strict):
    """A file as a look showed it."""

    name: str
    size: int
    modified: datetime | None

    @classmethod
    def of(cls, file: Landed) -> Look:
        """The same, to be written."""
        return cls(name=file.name, size=file.size, modified=file.modified)


class Taken(Look):
    """A file whose content is in the data of a version."""

    md5: str
    version: str


class KeptBack(Strict):
    """The files that came to nothing, since the gate kept the champion."""

    files: list[Look]
    commit: str  # of the project, whose code and parameters were used
    verdict: str


class Committing(Strict):
    """A version whose commit is about to be made, and the files that are taken with it."""

    tip: str | None  # of the branch before
    files: list[Taken]


class Record(Strict):
    """All of the file."""

    files: list[Taken] = []
    kept_back: KeptBack | None = None
    to_push: bool = False  # whether something was committed that is not pushed yet
    committing: Committing | None = None

    @classmethod
    def read(cls, path: Path) -> Record:
        """The file's content; an empty record where there is none. Raises DataError."""
        if not path.is_file():
            return cls()
        try:
            return cls.model_validate(read_json(path))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise DataError(
                f"{path} is damaged ({where}: {first['msg']}); delete it: what the last version's "
                "data holds is not taken twice"
            ) from error

    def write(self, path: Path) -> None:
        """Replace the file at once."""
        write_json(path, self.model_dump(mode="json"))

    def settled(self, tip: str | None) -> Record:
        """The record after a run that was killed while it committed; `tip` is the branch's now."""
        if self.committing is None:
            return self
        if self.committing.tip == tip:
            return self.model_copy(update={"committing": None})
        files = [*self.files, *self.committing.files]
        return self.model_copy(update={"files": files, "kept_back": None, "committing": None})

    def new_among(self, files: Iterable[Landed]) -> list[Landed]:
        """Those that no look has shown when something was taken: their content may be new."""
        seen = {(file.name, file.size, file.modified) for file in self.files}
        return [file for file in files if (file.name, file.size, file.modified) not in seen]

    def contents(self) -> set[str]:
        """MD5 of what was taken."""
        return {file.md5 for file in self.files}

    def were_kept_back(self, files: Iterable[Landed], commit: str) -> bool:
        """Whether these files, no more and no fewer, came to nothing with this very code."""
        if self.kept_back is None or self.kept_back.commit != commit:
            return False
        return {Look.of(file) for file in files} == set(self.kept_back.files)

    def check_date(self, day: date) -> None:
        """Raises UsageError where a file was taken that had not arrived by the end of that day."""
        later = [file for file in self.files if file.modified and file.modified >= end_of(day)]
        if later:
            raise UsageError(
                f"{later[-1].name} came after {day} and is taken already, with {len(later) - 1} "
                "more; to go back in time name another folder as SLMREC_STATE"
            )

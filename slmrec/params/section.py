"""A params file's sections: frozen, unknown keys forbidden, no defaults anywhere in code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from slmrec.core.errors import UsageError

Share = Annotated[float, Field(ge=0, le=1)]
DropRate = Annotated[float, Field(ge=0, lt=1)]  # chance that a training step leaves a thing out
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Section(BaseModel):
    """What every section is: frozen, and a typo in a key is an error."""

    # defer_build: a stage reads one section, and validators of the others would cost start-up time
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class TopSection(Section):
    """A section at the top of a params file: KEY is its name, FILE the file."""

    KEY: ClassVar[str]
    FILE: ClassVar[str] = "params.yaml"

    @classmethod
    def read(cls, project: Path = Path()) -> Self:
        """Read this section of the project's params file.

        Raises UsageError naming the key, what was seen and what is expected.
        """
        path = project / cls.FILE
        sections = read_yaml(path)
        if cls.KEY not in sections:
            raise UsageError(f"{path} has no section {cls.KEY}; it has {', '.join(sections)}")
        return validate_section(cls, sections[cls.KEY], path, cls.KEY)


SectionType = TypeVar("SectionType", bound=Section)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a whole params file. Raises UsageError where it is missing or holds no sections."""
    if not path.is_file():
        raise UsageError(f"{path} is missing; run from the project's root")
    try:
        sections = YAML(typ="safe").load(path)
    except YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(sections, dict):
        raise UsageError(f"{path} holds {type(sections).__name__}, expected sections")
    return sections


def validate_section(
    kind: type[SectionType], value: Any, path: Path, key: str | None
) -> SectionType:
    """The section `kind` of a value that stands under `key` in the file `path`; None: all of it.

    Raises UsageError naming the key, what was seen and what is expected.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        # A typo shows as an unknown key and a missing one; a person wrote the unknown one.
        first = min(error.errors(), key=lambda details: details["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in ([key] if key else []) + list(first["loc"]))
        seen = "" if isinstance(first["input"], dict) else f", saw {first['input']!r}"
        raise UsageError(f"{path}: {where or 'sections'}: {first['msg']}{seen}") from error

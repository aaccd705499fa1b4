"""params.yaml with settings laid over it, comments kept; what a person edited is never overwritten.

The first line of a file that init wrote holds the hash of the rest, so that an edit shows.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import re
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from slmrec.core.errors import UsageError
from slmrec.core.files import new_file

MARK = re.compile(r"# written by slmrec init, sha256 ([0-9a-f]{64})\n")
NOTES_START, NOTES_END = "# What init found and why it chose so:\n", "# End of what init found.\n"
NOTES = re.compile(re.escape(NOTES_START) + r"(#.*\n)*?" + re.escape(NOTES_END))
NEW_NAME = "params.init.yaml"


def render(base: str, settings: dict[str, Any], notes: list[str]) -> str:
    """The text of a params file: `base` with settings by name, notes on top, and the mark."""
    head = "".join([NOTES_START, *(f"# {line}\n" for line in notes), NOTES_END])
    body = head + _laid_over(_without_head(base), settings)
    return _marked(body, _digest(body))


def revise(text: str, settings: dict[str, Any]) -> str:
    """A params file with some settings changed, all else as it is; its mark stays valid if it was.

    For a tool that changes what init wrote, and for which it is still no edit by hand.
    """
    mark = MARK.match(text)
    body = text[mark.end() :] if mark else text
    revised = _laid_over(body, settings)
    if mark is None:
        return revised
    return _marked(revised, _digest(revised) if mark[1] == _digest(body) else mark[1])


def _marked(body: str, digest: str) -> str:
    return f"# written by slmrec init, sha256 {digest}\n{body}"


def _laid_over(text: str, settings: dict[str, Any]) -> str:
    """YAML with settings by name in place of what it has, comments and order kept."""
    yaml = _yaml()
    params = yaml.load(text)
    for name, value in settings.items():
        _set(params, name.split("."), value)
    stream = io.StringIO()
    yaml.dump(params, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # a comment behind a long line stays there
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), _null)
    return yaml


def _null(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _without_head(text: str) -> str:
    """The text without what an earlier init put on top."""
    return NOTES.sub("", MARK.sub("", text, count=1), count=1)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _set(params: Any, names: list[str], value: Any) -> None:
    """Set one value; in a section that stands already key by key, to keep their comments."""
    *sections, last = names
    for section in sections:
        params = params.setdefault(section, CommentedMap())
    old = params.get(last)
    if isinstance(old, CommentedMap) and isinstance(value, dict) and not old.fa.flow_style():
        for key in [key for key in old if key not in value]:
            del old[key]
        for key, inner in value.items():
            _set(old, [key], inner)
    else:
        params[last] = _node(value, block=last in ("events", "items"))


def _node(value: Any, block: bool = False) -> Any:
    """A value as YAML's nodes: sections of sources in block style, everything else in one line."""
    if isinstance(value, dict):
        section = CommentedMap({key: _node(inner) for key, inner in value.items()})
        if not block:
            section.fa.set_flow_style()
        return section
    if isinstance(value, list | tuple):
        items = CommentedSeq([_node(inner) for inner in value])
        items.fa.set_flow_style()
        return items
    return value


def is_unedited(path: Path) -> bool:
    """Whether a params file is as init wrote it, or as git has it."""
    text = path.read_text()
    if mark := MARK.match(text):
        return mark[1] == _digest(text[mark.end() :])
    return text == committed_text(path)


def committed_text(path: Path) -> str | None:
    """The file as git HEAD has it; None where there is no git, no commit or no such file."""
    command = ["git", "-C", str(path.resolve().parent), "show", f"HEAD:./{path.name}"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return shown.stdout if shown.returncode == 0 else None


def write_params(path: Path, text: str) -> tuple[Path, str]:
    """Write the text to `path`, or beside it where a person has edited that.

    Returns where it was written, and the difference from what stands at `path`, if that stays.
    Raises UsageError when there is no params.yaml to start from.
    """
    if not path.is_file():
        raise UsageError(f"{path} is missing; run slmrec init in the root of the project")
    unedited = is_unedited(path)
    target = path if unedited else path.with_name(NEW_NAME)
    difference = "" if unedited else _difference(path, target.name, text)
    with new_file(target) as temporary:
        temporary.write_text(text)
    return target, difference


def _difference(path: Path, new_name: str, text: str) -> str:
    lines = (path.read_text().splitlines(True), text.splitlines(True))
    return "".join(difflib.unified_diff(*lines, path.name, new_name, n=1))

"""Whether DVC can bring a stage's last outputs back."""

from __future__ import annotations

import configparser
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


def has_last_outputs(stage: str, project_dir: Path) -> bool:
    """Whether dvc.lock names outputs of the stage that lie in DVC's cache."""
    try:
        lock = YAML(typ="safe").load(project_dir / "dvc.lock")
        outputs = lock["stages"][stage]["outs"]
        hashes = [str(output["md5"]) for output in outputs]
    except (OSError, YAMLError, UnicodeDecodeError, LookupError, TypeError):
        return False
    files_dir = _cache_dir(project_dir / ".dvc") / "files" / "md5"
    return any((files_dir / digest[:2] / digest[2:]).exists() for digest in hashes)


def _cache_dir(dvc_dir: Path) -> Path:
    """Where DVC keeps the content of files: .dvc/cache, or what its configuration says."""
    cache_dir = "cache"
    for name in ("config", "config.local"):
        config = configparser.ConfigParser(interpolation=None)
        try:
            config.read(dvc_dir / name)
        except (configparser.Error, UnicodeDecodeError):
            continue
        cache_dir = config.get("cache", "dir", fallback=cache_dir)
    return dvc_dir / cache_dir

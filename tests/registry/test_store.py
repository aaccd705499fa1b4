"""A registry as its readers see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import BundleError, UsageError
from slmrec.core.files import write_json
from slmrec.registry.store import Registry, at
from slmrec.registry.version import Version


def add(registry: Registry, number: str, replaces: str | None = None) -> Version:
    """A version of which only the record is there."""
    write_json(registry.folder / number / "record.json", {"replaces": replaces})
    version = Version.parse(number)
    assert version is not None
    return version


def point(registry: Registry, target: str) -> None:
    (registry.folder / "current").symlink_to(target)


def test_a_registry_that_does_not_exist_yet_is_empty(registry: Registry) -> None:
    assert registry.versions() == []
    assert registry.current() is None


def test_versions_are_numbers_in_order_and_nothing_else(registry: Registry) -> None:
    for name in ("1.10.0", "1.9.0", ".1.11.0.7.tmp", ".locks", "notes"):
        (registry.folder / name).mkdir(parents=True)
    point(registry, "1.9.0")
    assert list(map(str, registry.versions())) == ["1.9.0", "1.10.0"]
    assert str(registry.current()) == "1.9.0"


@pytest.mark.parametrize("target", ["1.0.1", "elsewhere"])
def test_a_pointer_to_nothing_is_named_with_the_way_back(registry: Registry, target: str) -> None:
    add(registry, "1.0.0")
    point(registry, target)
    with pytest.raises(BundleError, match=rf"points to {target}, .* slmrec rollback VERSION"):
        registry.current()


def test_a_version_is_named_by_its_number_or_as_current(registry: Registry) -> None:
    first = add(registry, "1.0.0")
    point(registry, "1.0.0")
    assert registry.named("1.0.0") == registry.named("current") == first
    with pytest.raises(UsageError, match=r"has no version 2\.0\.0; it has 1\.0\.0$"):
        registry.named("2.0.0")
    with pytest.raises(UsageError, match=r"has no version latest"):
        registry.named("latest")


def test_the_version_before_is_the_one_that_was_replaced_while_it_is_there(
    registry: Registry,
) -> None:
    first, second = add(registry, "1.0.0"), add(registry, "1.0.1", "1.0.0")
    third = add(registry, "1.0.2", "0.9.0")
    assert registry.before(second) == first
    assert registry.before(first) is None
    assert registry.before(third) is None


def test_a_bundle_is_that_of_a_version_or_a_folder(registry: Registry, tmp_path: Path) -> None:
    add(registry, "1.0.0")
    assert registry.bundle_of("1.0.0") == registry.folder / "1.0.0" / "bundle"
    assert registry.bundle_of(str(tmp_path)) == tmp_path


def test_the_registry_lies_in_the_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLMREC_STATE", raising=False)
    assert at(None).folder == Path(".state/registry")
    monkeypatch.setenv("SLMREC_STATE", "/srv/state")
    assert at(None).folder == Path("/srv/state/registry")
    assert at(Path("here")).folder == Path("here")

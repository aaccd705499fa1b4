"""Tables of items: a column of ids, one row each, with a column of titles; and how events link."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from slmrec.init.columns.names import ITEM, TITLE, USER, name_rank, weight_of_name, words_of
from slmrec.init.columns.profiles import Profile
from slmrec.init.columns.relations import contained
from slmrec.init.columns.user_item import is_list
from slmrec.init.samples.file_groups import FileTable

UNIQUE = 0.9  # distinct ids a row, from which on a column is a table's key
SAME_NAME = 0.35  # added to a link between columns of one name
LONG = 120  # characters: texts longer on average describe rather than name
ITEM_FILES = re.compile(
    r"item|movie|film|product|article|meta|book|news|game|business|catalog|track|song|title|recipe"
)
USER_FILES = re.compile(r"user|customer|member|profile|visitor|reviewer|people")


@dataclass(frozen=True)
class Table:
    """A table of files with the profiles of its columns."""

    source: FileTable
    columns: tuple[Profile, ...]

    @property
    def name(self) -> str:
        return self.source.name

    def column(self, name: str) -> Profile:
        """The column of a name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Catalogue:
    """A table whose `key` may be the item of events, and its column of titles, if any."""

    table: Table
    key: Profile
    title: Profile | None


def profile_table(source: FileTable) -> Table:
    """Profiles of all columns; of two that bear one name only the first can be meant."""
    columns = {column.name: Profile(column) for column in reversed(source.table.columns)}
    names = dict.fromkeys(source.table.names)
    return Table(source, tuple(columns[name] for name in names))


def catalogues_of(tables: Sequence[Table]) -> list[Catalogue]:
    """Every table with a key, once for each column that could be it."""
    return [
        Catalogue(table, key, find_title(table, key))
        for table in tables
        for key in table.columns
        if _is_key(key, table)
    ]


def _is_key(column: Profile, table: Table) -> bool:
    return (
        column.is_id
        and column.words < 2
        and column.distinct >= UNIQUE * len(column.present)
        and table.source.table.rows > 1
    )


def find_title(table: Table, key: Profile) -> Profile | None:
    """The column of a table that names its items for people, or None."""
    scores = {
        column.name: _title_score(column)
        for column in table.columns
        if column is not key and column.looks_like_titles
    }
    scores = {name: score for name, score in scores.items() if score > 0}
    if not scores:
        return None
    return table.column(max(scores, key=lambda name: (scores[name], -name_rank(name, TITLE))))


def _title_score(column: Profile) -> float:
    """By its name; without one, texts of several words of which nearly each is different."""
    named = max(weight_of_name(column.name, TITLE), 0.9 * ("name" in words_of(column.name)))
    different = column.distinct / max(len(column.present), 1)
    score = 3 * named + min(column.words, 6) / 6 + different - (column.length > LONG)
    texts = column.words >= 1.5 and different >= 0.7
    return score - 2 * column.missing if named or texts else 0.0


def link_strength(column: Profile, catalogue: Catalogue) -> float:
    """How far the values of an events' column are the catalogue's ids, 0 to 1.

    Whole numbers from 1 on are among any other such numbers, so the catalogue must be used as
    well. Of a catalogue too large to be read, equal names or shapes speak instead.
    """
    ids, keys = column.ids, catalogue.key.ids
    listed, used = contained(ids, keys), contained(keys, ids)
    complete = catalogue.table.source.table.complete
    strength = listed * (0.5 + 0.5 * used) if complete else min(2 * listed, 1.0)
    return max(strength, _likeness(column, catalogue.key) if not complete else 0.0)


def _likeness(column: Profile, key: Profile) -> float:
    same_name = words_of(column.name) == words_of(key.name) and not column.name.isdigit()
    same_shape = bool(column.shapes) and column.shapes.most_common(1)[0][0] in key.shapes
    if not same_shape:
        return 0.0
    return 0.6 if same_name else 0.4 * (column.shapes.most_common(1)[0][0] != "9")


def item_links(table: Table, catalogues: Sequence[Catalogue]) -> dict[str, float]:
    """For each column of ids, its strongest link to a catalogue of titles in another table."""
    return _links(table, [c for c in catalogues if c.title is not None and not _of_users(c)])


def user_links(table: Table, catalogues: Sequence[Catalogue]) -> dict[str, float]:
    """The same to tables with one row an id and no titles, or of users."""
    return _links(table, [c for c in catalogues if c.title is None or _of_users(c)])


def _of_users(catalogue: Catalogue) -> bool:
    named = weight_of_name(catalogue.key.name, USER) - weight_of_name(catalogue.key.name, ITEM)
    return named > 0 or USER_FILES.search(catalogue.table.name.lower()) is not None


def _links(table: Table, catalogues: Sequence[Catalogue]) -> dict[str, float]:
    others = [catalogue for catalogue in catalogues if catalogue.table is not table]
    return {
        column.name: max((_named_link(column, other) for other in others), default=0.0)
        for column in table.columns
        if column.is_id or is_list(column)
    }


def _named_link(column: Profile, catalogue: Catalogue) -> float:
    """The link, stronger where both columns bear one name: of two ids that one is meant."""
    strength = link_strength(column, catalogue)
    same_name = words_of(column.name) == words_of(catalogue.key.name)
    return strength + SAME_NAME * (same_name and strength > 0.2 and not column.name.isdigit())


def choose_catalogue(
    item: Profile, table: Table, catalogues: Sequence[Catalogue]
) -> Catalogue | None:
    """The catalogue that lists the events' items, with titles before one without."""
    scored = [
        (score, -place, catalogue)
        for place, catalogue in enumerate(catalogues)
        if catalogue.table is not table and (score := _catalogue_score(item, catalogue)) > 0
    ]
    return max(scored, key=lambda entry: entry[:2])[2] if scored else None


def _catalogue_score(item: Profile, catalogue: Catalogue) -> float:
    strength = link_strength(item, catalogue)
    if strength < 0.2 or _of_users(catalogue) or catalogue.title is None:
        return 0.0
    same_name = words_of(item.name) == words_of(catalogue.key.name)
    named = ITEM_FILES.search(catalogue.table.name.lower()) is not None
    return 3 * strength + 0.5 * same_name + 0.5 * named

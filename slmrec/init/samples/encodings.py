"""Which text encoding a file is in, by trying: byte order mark, UTF-8, UTF-16, then one byte."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

CHECKED_BYTES = 1 << 20  # given to charset-normalizer
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# A word of a Western language holds few letters beyond ASCII; one in Greek or Cyrillic holds little
# else.
WESTERN_SHARE = 0.5
WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
USUAL = ("cp1251", "cp1253", "cp1256", "gb18030", "big5", "cp932", "euc_kr")
SAME_CHAOS = 0.02  # charset-normalizer's measure of odd characters, below which two are level
UNUSED_IN_CP1252 = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x9D))


@dataclass(frozen=True)
class Encoding:
    """A text encoding; `certain` is False where another one would read the bytes as well."""

    name: str
    certain: bool


def find_encoding(head: bytes, parts: tuple[bytes, ...]) -> Encoding:
    """The encoding of a file of which these bytes are known."""
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return Encoding(name, True)
    if wide := _without_mark_utf16(head):
        return Encoding(wide, True)
    if all(_is_utf8(data) for data in (head, *parts)):
        return Encoding("utf-8", True)
    data = b" ".join((head, *parts))
    if _looks_western(data):
        return Encoding(_western(data), True)
    return Encoding(_likeliest(data[:CHECKED_BYTES]), False)


def _without_mark_utf16(head: bytes) -> str | None:
    """UTF-16 shows by zeros at every second place of ASCII text."""
    sample = head[:4096]
    if len(sample) < 4:
        return None
    if sample[1::2].count(0) > 0.4 * len(sample[1::2]) and not sample[::2].count(0):
        return "utf-16-le"
    if sample[::2].count(0) > 0.4 * len(sample[::2]) and not sample[1::2].count(0):
        return "utf-16-be"
    return None


def _is_utf8(data: bytes) -> bool:
    """Whether a piece cut out of a text is UTF-8, its first and last characters aside.

    A few bad lines in otherwise sound UTF-8 do not make the file Latin-1.
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        lines = data.split(b"\n")[1:-1] or [data]
        odd = [line for line in lines if not line.isascii()]
        bad = sum(not _decodes(line) for line in odd)
        return len(odd) > 0 and bad < 0.1 * len(odd)
    return True


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _looks_western(data: bytes) -> bool:
    words = [word for word in WORD.findall(data) if len(word) > 2 and not word.isascii()]
    shares = [sum(byte > 0x7F for byte in word) / len(word) for word in words]
    return sum(share > WESTERN_SHARE for share in shares) <= 0.5 * len(shares)


def _likeliest(data: bytes) -> str:
    """What charset-normalizer takes it for; of those that read as well, the more usual one."""
    matches = from_bytes(data)
    best = matches.best()
    if best is None:
        return "latin-1"
    close = {match.encoding for match in matches if match.chaos <= best.chaos + SAME_CHAOS}
    name = next((name for name in USUAL if name in close), best.encoding)
    return name.replace("_", "-")


def _western(data: bytes) -> str:
    """Latin-1, or Windows' extension of it where its curly quotes and dashes occur."""
    extra = {byte for byte in data if 0x80 <= byte <= 0x9F}
    return "cp1252" if extra and not extra & UNUSED_IN_CP1252 else "latin-1"

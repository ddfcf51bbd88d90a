"""Numbers that trackers give to shoppers, by which a request of the shop's own is known to be a tracker's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import unquote

from ..hosts import parts_of
from ..lists import Lists
from ..observed import Observed, Sighting
from ..ours import OURS
from ..recognise import Recogniser

LETTERS_OF_AN_ID = 8
DIGITS_OF_AN_ID = 4
LETTERS_IN_A_PATH = 16
"""A shop's own paths have numbers too, of goods and orders."""

DIGITS_OF_GOODS = 14
"""So many at most has the number of goods (GTIN), and none but digits: a word of a value that is like that is none."""

LETTERS_OF_A_WHOLE = 200
"""What is longer in a storage is no number of a shopper; one may stand in it."""

NUMBERING = frozenset({"analytics", "marketing"})
"""Categories whose names may hold the number of a shopper."""

_MOMENT = re.compile(
    r"(?:(?:19|20)\d\d-?[01]\d-?[0-3]\d|[0-3]?\d[./-][0-3]?\d[./-]\d{4})?(?:(?:^|,? |T)\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?"
    r"(?:Z|[+-]\d\d:?\d\d)?"
)
"""A day, a time, or both: what people see, and many share."""

_DATED = re.compile(
    r"(?<![\w-])(?:19|20)\d\d[-_/]?[01]\d[-_/]?[0-3]\d"
    r"(?:[T _-]?[0-2]\d(?:[:_-]?[0-5]\d){0,2}(?:[.,:]\d+|\d{3})?)?(?:Z|[+-]\d\d:?\d\d)?(?![\w-])"
)
"""A day among other things, with its time."""

_UNIX_TIME = re.compile(r"1[5-9]\d{8}(?:\d{3})?")
"""A moment of these years in seconds or milliseconds, of which trackers keep several."""

_ADDRESS = re.compile(r"(?:https?:/|(?<![\w-]))/[^\s\"',|]+")
"""Where a shopper came from, or a path at the shop: what stands in there is the number of goods."""

_AFTER_A_TIME = re.compile(r"(?<!\d)1[5-9]\d{8}(?:\d{3})?\.(\d{8,})(?!\d)")
"""What stands behind the moment at which it was drawn, as in ``fb.1.1700000000000.4815162342``."""

_MIXED = re.compile(r"[A-Za-z]\d+[A-Za-z]|\d[A-Za-z]+\d")
"""Letters and digits in turn, as words and settings have them in short alone, such as b2b and utf8mb4."""

_SAID = re.compile(r"[A-Za-z]?[a-z]+(?:[A-Z][a-z]{2,})*|[A-Z]+")
"""Letters as words have them, such as undecided or notDecided; now and then something drawn has no others either."""

_WORD = re.compile(rf"\d{{8,}}\.\d{{8,}}|[\w-]{{{LETTERS_OF_AN_ID},}}")
_NAME = re.compile(r"(?<![^\W_])(?![a-fA-F]+(?![^\W_]))[^\W\d_]{2,}(?![^\W_])")
"""What is said in letters between hyphens, and is no hexadecimal number: goods are named so, as ``12345-red-shoe``."""


def echoes(seen: Sighting, ids: Collection[str]) -> bool:
    """Return whether a request carries one of these numbers."""
    parts = parts_of(seen.url)
    told, path = unquote(f"{parts.query} {seen.body}"), unquote(parts.path)
    return any(id_ in told or (len(id_) >= LETTERS_IN_A_PATH and id_ in path) for id_ in ids)


def numbers(
    observed: Observed,
    shop: str,
    lists: Lists,
    recogniser: Recogniser,
    *,
    has_lists: bool,
    others: Sequence[Observed] = (),
) -> Iterator[str]:
    """Yield what may be a shopper's number in what a script keeps with the shop: not a word, such as a setting.

    What the shop's lists do not name counts too, unless an answer of its own set it: that is known to it as it is.
    Of the ``others``, other states with profiles of their own, none has the same number.
    """
    for kind, name, value in _kept(observed):
        entry = Sighting(kind, name, shop, "", "", 0)
        category = lists.category_of(entry)
        is_trackers = category in NUMBERING or (category is None and bool(recogniser.service_of(entry)))
        is_unknown = has_lists and category is None and (kind != "cookie" or name in observed.scripted)
        if is_trackers or (is_unknown and not OURS.fullmatch(name)):
            elsewhere = [each[2] for other in others for each in _kept(other) if each[:2] == (kind, name)]
            shared = {id_ for each in elsewhere for id_ in (*_wholes(each), *_words(each))}
            for id_ in (wholes := _wholes(value)) | _words(value):
                is_drawn = id_ not in shared and _is_drawn_anew(id_, shared)
                is_long = is_unknown and id_ in wholes and _is_long_word(id_)
                is_short = kind == "cookie" or len(id_) <= LETTERS_OF_A_WHOLE
                if is_short and (_is_id(id_) or is_drawn or is_long):
                    yield id_


def _kept(observed: Observed) -> Iterator[tuple[str, str, str]]:
    """Yield kind, name and value of what the shop's pages keep."""
    for kind, kept in (
        ("cookie", observed.cookies),
        ("local-storage", observed.stored),
        ("session-storage", observed.in_session),
    ):
        yield from ((kind, name, value) for name, value in kept.items())


def _wholes(value: str) -> set[str]:
    """Return a value as it may be sent; of GA1.1.123.456 the hits have 123.456."""
    whole = unquote(value).strip('"')
    return {whole, ".".join(whole.split(".")[-2:])}


def _words(value: str) -> set[str]:
    """Return what stands in a value that has more than one thing, such as JSON, and may be a number."""
    whole = unquote(value)
    found = _WORD.findall(_DATED.sub(" ", _ADDRESS.sub(" ", whole)))
    words = {each for each in found if not _UNIX_TIME.fullmatch(each) and (each.isalpha() or not _is_of_goods(each))}
    return words | {each for each in _AFTER_A_TIME.findall(whole) if not _UNIX_TIME.fullmatch(each)}


def _is_of_goods(word: str) -> bool:
    """Return whether a word may be the number of goods, or of an order, as well as a shopper's."""
    is_plain = all(not part or part.isalpha() or part.isdigit() for part in re.split("[-_]", word))
    is_named = _NAME.search(word) or not re.search(r"[^\W\d_]", word)
    return is_plain and bool(is_named) and sum(map(str.isdigit, word)) <= DIGITS_OF_GOODS


def _is_id(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    is_path = _ADDRESS.fullmatch(text) and ("/" in text[1:] or _NAME.search(text))
    is_said = _MOMENT.fullmatch(text) or is_path
    return len(text) >= LETTERS_OF_AN_ID and (digits >= DIGITS_OF_AN_ID or _is_mixed(text)) and not is_said


def _is_mixed(text: str) -> bool:
    """Return whether letters and digits take turns in a long part of a text, or again and again beside no word."""
    parts = [each for each in re.split(r"[\W_]+", text) if _MIXED.search(each)]
    return any(len(each) >= LETTERS_OF_AN_ID for each in parts) or (len(parts) > 1 and not _NAME.search(text))


def _is_drawn_anew(text: str, others: Collection[str]) -> bool:
    """Return whether a text is such as each profile has drawn another of, beside the ``others`` of its entry.

    What is letters alone, as words are, is one where another that is as long has digits.
    """
    alike = [each for each in others if len(each) == len(text) and _is_long_word(each, LETTERS_OF_AN_ID)]
    is_word = bool(_SAID.fullmatch(text)) and all(each.isalpha() for each in alike)
    return bool(others) and not is_word and _is_long_word(text, LETTERS_OF_AN_ID)


def _is_long_word(text: str, letters: int = LETTERS_IN_A_PATH) -> bool:
    """Return whether a text is as long as numbers are, and one word: settings are shorter, or have several."""
    return len(text) >= letters and bool(re.fullmatch(r"[A-Za-z0-9]+", text)) and not _UNIX_TIME.fullmatch(text)

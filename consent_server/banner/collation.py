"""Names in the order of a language's alphabet, as its readers look for them (Unicode CLDR's collations, in short)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from unicodedata import category, combining, normalize

_ALPHABETS: Mapping[str, str] = {
    "az": "abcçdeəfgğhxıijkqlmnoöprsştuüvwyz",
    "tr": "abcçdefgğhıijklmnoöpqrsştuüvwxyz",
    **dict.fromkeys(("fi", "sv"), "abcdefghijklmnopqrstuvwxyzåäö"),
    **dict.fromkeys(("da", "nb", "no"), "abcdefghijklmnopqrstuvwxyzæøå"),
    **dict.fromkeys(("bs", "hr", "sr"), "abcčćd(dž)đefghijkl(lj)mn(nj)opqrsštuvwxyzž"),
    **dict.fromkeys(("bg", "ru"), "абвгдежзийклмнопрстуфхцчшщъыьэюя"),
    "cs": "abcčdefgh(ch)ijklmnopqrřsštuvwxyzž",
    "es": "abcdefghijklmnñopqrstuvwxyz",
    "et": "abcdefghijklmnopqrsšzžtuvwõäöüxy",
    "fa": "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی",
    "hu": "abc(cs)d(dz)(dzs)efg(gy)hijkl(ly)mn(ny)oöpqrs(sz)t(ty)uüvwxyz(zs)",
    "is": "aábcdðeéfghiíjklmnoópqrstuúvwxyýzþæöå",
    "kk": "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя",
    "lt": "abcčdefghijklmnopqrsštuvwxzž",
    "lv": "aābcčdeēfgģhiījkķlļmnņoōpqrŗsštuūvwxyzž",
    "mk": "абвгдѓежзѕијклљмнњопрстќуфхцчџш",
    "mt": "abċcdefġg(għ)hħijklmnopqrstuvwxżz",
    "pl": "aąbcćdeęfghijklłmnńoópqrsśtuvwxyzźż",
    "ro": "aăâbcdefghiîjklmnopqrsștțuvwxyz",
    "sk": "aäbcčdefgh(ch)ijklmnoôpqrsštuvwxyzž",
    "sl": "abcčćdđefghijklmnopqrsštuvwxyzž",
    "sq": "abcçd(dh)eëfg(gj)hijkl(ll)mn(nj)opqr(rr)s(sh)t(th)uvwx(xh)yz(zh)",
    "uk": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "uz": "abcdefghijklmnopqrstuvwxyz(oʻ)(gʻ)(sh)(ch)",
    "vi": "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz",
}
"""The letters of a language, where some stand elsewhere than by code points or without their marks.

Several that are one are in brackets. Arabic, Chinese and Japanese need more than letters, and are left to code points.
"""

_ALIKE = {
    "lt": str.maketrans("Yy", "ii"),
    "uz": str.maketrans("‘’", "ʻʻ"),
    **dict.fromkeys(("az", "tr"), str.maketrans("Iİ", "ıi")),
}
"""What a language reads as another letter, before its case is left out."""

FIRST_ACCENT = 10
"""The first combining class of marks that are read as no letter of their own, as vowels of Indic scripts are."""


def key(text: str, lang: str) -> tuple[list[tuple[int, int]], str]:
    """Return by what a name is sorted in a language: its letters, of which those that no alphabet has stand last."""
    order = _order(lang)
    lower = normalize("NFC", text.translate(_ALIKE.get(lang, {ord("æ"): "ae"} if "æ" not in order else {})).casefold())
    letters = re.findall("|".join([*(each for each in order if len(each) > 1), "."]), lower, re.DOTALL)
    return [_position(letter, order) for letter in letters if combining(letter[0]) < FIRST_ACCENT], text


@cache
def _order(lang: str) -> dict[str, int]:
    letters = re.findall(r"\((.+?)\)|(\w)", _ALPHABETS.get(lang, "abcdefghijklmnopqrstuvwxyz"))
    return {several or one: n for n, (several, one) in enumerate(letters)}


def _position(letter: str, order: Mapping[str, int]) -> tuple[int, int]:
    base, marks = letter, ""
    if len(parts := normalize("NFD", letter)) > 1 and combining(parts[1]):
        base, marks = parts[0], parts[1:]
    for each in (letter, *(normalize("NFC", base + mark) for mark in marks), base):
        if each in order:
            return 1, order[each]
    return (2 if category(base)[0] in "LM" else 0), ord(base)

"""The notices of an export are signed as the rest is, and long ones take little memory."""

import json
import tracemalloc

import pytest
from filled_log import KEYS, shop
from small_log import export, lines, store

from consent_server import verify as stand_alone
from consent_server.tokens import token
from consent_server.verify import Failed, notice_hash, verify

__all__ = ["lines", "shop", "store"]


def unanswered(lines):
    (found,) = [line for line in lines if b'"variant":"b"' in line]
    return found


# ---- Notices and the head ----


def added(lines):
    words = {**json.loads(unanswered(lines))["content"], "words": {"title": "We sell everything you do"}}
    line = {"type": "notice", "hash": notice_hash(words), "content": words}
    return [lines[0], json.dumps(line).encode(), *lines[1:]]


def dropped(lines):
    return [line for line in lines if line != unanswered(lines)]


def doubled(lines):
    return [*lines[:2], lines[1], *lines[2:]]


def made_later(lines):
    return [json.dumps({**json.loads(lines[0]), "made": "2030-01-01T00:00:00+00:00"}).encode(), *lines[1:]]


@pytest.mark.parametrize("change", [added, dropped, doubled, made_later])
def test_notices_and_the_time_of_an_export_are_signed_too(lines, change):
    assert verify(lines, KEYS.jwks())
    for older in (None, lines):
        with pytest.raises(Failed, match=r"the notices in it are not|stands twice|it was made at"):
            verify(change(lines), KEYS.jwks(), older)


def test_an_export_from_before_that_is_read_as_ever(lines):
    said = stand_alone.unsigned(json.loads(lines[-1])["token"])
    del said["notices"], said["made"]
    end = json.dumps({"type": "end", "token": token(said, KEYS.sign(said))}).encode()
    assert verify([*lines[:-1], end], KEYS.jwks())
    assert verify(lines, KEYS.jwks(), [*lines[:-1], end])


def test_words_that_were_asked_and_are_in_the_store_no_more_are_missed_by_an_older_export(store, shop, lines):
    store.connection.client.hdel("consent:{shop}:notices", json.loads(unanswered(lines))["hash"])
    store.notices._served.clear()
    with pytest.raises(Failed, match=r"The older export has the notice '.{22}', which is missing\."):
        verify(export(store, shop), KEYS.jwks(), lines)


def test_a_small_file_with_many_long_notices_takes_little_memory():
    """The attack: words that compress well, of which each line has as many as a line may have."""

    def lines():
        yield json.dumps(
            {"type": "log", "version": 2, "site": "shop", "from": "2026-11-20", "to": "2026-11-20", "keys": KEYS.jwks()}
        ).encode()
        for n in range(40):
            content = {
                "keep": 1,
                "revision": 1,
                "lang": "az",
                "variant": "",
                "words": {"text": f"{n}" + "a" * 1_000_000},
            }
            yield json.dumps({"type": "notice", "hash": notice_hash(content), "content": content}).encode()

    tracemalloc.start()
    with pytest.raises(Failed, match="cut off"):
        verify(lines(), KEYS.jwks())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


@pytest.mark.parametrize("name", ["lang", "variant"])
def test_a_notice_whose_kind_is_a_long_text_is_none(name):
    content = {"keep": 1, "revision": 1, "lang": "az", "variant": "", name: "a" * 1000}
    head = {"type": "log", "version": 2, "site": "shop", "from": "2026-11-20", "to": "2026-11-20", "keys": KEYS.jwks()}
    notice = {"type": "notice", "hash": notice_hash(content), "content": content}
    with pytest.raises(Failed, match="says too much of its kind"):
        verify([json.dumps(line).encode() for line in (head, notice)], KEYS.jwks())


def test_who_signed_long_texts_is_not_remembered():
    known = stand_alone.Keys(KEYS.jwks()["keys"])
    tracemalloc.start()
    for n in range(50):
        assert known.signed(b"%d" % n + b"a" * 1_000_000, "A" * 86) == ""
    now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now < 5_000_000

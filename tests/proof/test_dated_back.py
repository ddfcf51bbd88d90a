"""What was dated back into days that an older export has is found, and who is honest is not accused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from filled_log import FIRST, KEYS, NOW, check, fill, numbers, shop
from two_exports import LATER, decide, export, follows, store, two

from consent_server.proof import log as proof
from consent_server.proof.attested import restored as record_restored
from consent_server.proof.erasure import erase
from consent_server.tokens import token
from consent_server.verify import Failed, unsigned

__all__ = ["shop", "store", "two"]


@pytest.mark.parametrize("seconds", [-3600, -121, -119])
def test_an_answer_dated_back_into_a_day_that_was_open_in_the_older_export_is_found(store, shop, seconds):
    """The operator's attack: a yes of yesterday morning, made up today, when an auditor has yesterday noon's export."""
    fill(store, shop, 2)
    proof.seal(store, shop, KEYS, NOW)
    older = export(store, shop)
    decide(store, shop, (int(NOW.timestamp()) + seconds) * 1000)
    proof.seal(store, shop, KEYS, LATER)
    newer = export(store, shop, LATER)
    check(newer)
    if seconds > -120:
        follows(newer, older)  # clocks may be apart
    else:
        with pytest.raises(Failed, match=r"export was made at 2026-11-22 18:00:00 UTC, and has not the entry of 2026"):
            follows(newer, older)


def test_an_honest_log_follows_an_export_of_before_whose_machine_had_a_clock_ahead(store, shop):
    """Such an export signs when it was made, and not by which clock."""
    fill(store, shop, 2)
    proof.seal(store, shop, KEYS, NOW)
    older = export(store, shop)
    end = unsigned(json.loads(older[-1])["token"])
    assert end.pop("clock") == "store"
    older[-1] = json.dumps({"type": "end", "token": token(end, KEYS.sign(end))}).encode()
    decide(store, shop, (int(NOW.timestamp()) - 3600) * 1000)
    proof.seal(store, shop, KEYS, LATER)
    follows(export(store, shop, LATER), older)


def test_what_was_answered_on_days_that_the_older_export_is_not_of_is_no_answer_dated_back(store, shop):
    fill(store, shop, 3)
    proof.seal(store, shop, KEYS, NOW)
    day = FIRST + timedelta(1)
    older = list(proof.export(store, shop, KEYS, day, day, LATER))
    assert len(numbers(older, "entry")) < 3
    follows(export(store, shop, NOW), older)


@pytest.mark.parametrize("restored", [False, True])
def test_an_erasure_dated_back_before_an_older_export_that_names_who_it_was_is_found(two, store, shop, restored):
    """The operator's attack: a consent that would be awkward is said to have been erased long ago."""
    older, _ = two
    entry = next(each for each in store.log.day(shop, FIRST) if each.allow and each.kind == "first" and each.subject)
    erase(store, shop, KEYS, entry.subject, int(NOW.timestamp()) - 86_400)
    if restored:  # statements of then come with a backup's erasures, and the record says so to everybody
        record_restored(store, shop, KEYS)
        assert "a backup of the log was put back" in str(follows(export(store, shop, LATER), older))
    else:
        with pytest.raises(Failed, match=r"names the entry of 2026-11-20 .*, which was erased before, says its sta"):
            follows(export(store, shop, LATER), older)

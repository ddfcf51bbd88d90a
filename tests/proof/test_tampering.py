"""Whatever somebody changes, drops, adds or exchanges in an export is found and named."""

import gzip
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest
from filled_log import FIRST, FORGER, check, exported, numbers, rewritten, shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent_server import verify as stand_alone
from consent_server.verify import Failed, NoExport, canonical

__all__ = ["exported", "shop"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_one_changed_bit_of_an_entry_is_named(exported, data):
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    entry = json.loads(exported[number])
    name = data.draw(st.sampled_from(sorted(set(entry) - {"type"})))
    value = entry[name]
    if isinstance(value, int):
        changed = value ^ 1 << data.draw(st.integers(0, 12))
    elif isinstance(value, list):
        changed = sorted(set(value) ^ {data.draw(st.sampled_from(["functional", "analytics", "marketing"]))})
    elif name == "signature":
        raw = bytearray(urlsafe_b64decode(value + "=="))
        place = data.draw(st.integers(0, len(raw) * 8 - 1))
        raw[place // 8] ^= 1 << place % 8
        changed = urlsafe_b64encode(raw).rstrip(b"=").decode()
    else:
        place = data.draw(st.integers(0, max(0, len(value) - 1)))
        changed = value[:place] + ("A" if value[place : place + 1] != "A" else "B") + value[place + 1 :]
    with pytest.raises(Failed, match=f"^Line {number + 1}: "):
        check(rewritten(exported, number, **{name: changed}))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_change_of_someone_who_also_mends_the_leaf_is_found(exported, data):
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    entry = json.loads(exported[number])
    entry["how"] = "accept" if entry["how"] != "accept" else "refuse"
    entry["leaf"] = stand_alone.leaf(entry).hex()
    with pytest.raises(Failed):
        check([*exported[:number], json.dumps(entry).encode(), *exported[number + 1 :]])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_dropped_entry_is_named(exported, data):
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    with pytest.raises(Failed, match=r"is missing|but its seal counts|are not those of its entries"):
        check(exported[:number] + exported[number + 1 :])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_two_swapped_entries_are_named(exported, data):
    one, other = sorted(
        data.draw(st.lists(st.sampled_from(numbers(exported, "entry")), min_size=2, max_size=2, unique=True))
    )
    lines = list(exported)
    lines[one], lines[other] = lines[other], lines[one]
    with pytest.raises(Failed, match=f"^Line {one + 1}: "):
        check(lines)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_added_entry_is_found_whoever_signed_it(exported, data):
    """A copy of a genuine entry, or a new one signed by another key, with all numbers after it put right."""
    number = data.draw(st.sampled_from(numbers(exported, "entry")))
    added = json.loads(exported[number])
    if "signature" in added and data.draw(st.booleans()):
        added |= {"id": "x" * 22, "subject": "x" * 22, "allow": ["analytics"]}
        notice = json.loads(exported[numbers(exported, "notice")[0]])["content"]
        signature = FORGER._signer.get_signature(stand_alone.payload(added, "shop", notice))
        added["signature"] = signature.decode()
    added["seq"] += 1
    added["leaf"] = stand_alone.leaf(added).hex()
    lines = [*exported[: number + 1], json.dumps(added).encode()]
    for line in exported[number + 1 :]:
        content = json.loads(line)
        if content["type"] == "entry" and content["n"] > 0:
            content["n"] += 1
        lines.append(json.dumps(content).encode())
    with pytest.raises(Failed):
        check(lines)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_archive_that_is_cut_anywhere_is_none(exported, tmp_path_factory, data):
    whole = gzip.compress(b"".join(exported), mtime=0)
    file = tmp_path_factory.getbasetemp() / "cut.jsonl.gz"
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises((Failed, NoExport)), stand_alone.opened(file) as lines:
        check(lines)


def test_a_days_tail_cut_off_is_named(exported):
    last = max(n for n in numbers(exported, "entry") if n < numbers(exported, "seal")[0])
    with pytest.raises(Failed, match=str(FIRST)):
        check(exported[:last] + exported[last + 1 :])


@pytest.mark.parametrize("day", [0, 1, 2])
def test_a_removed_day_is_named(exported, day):
    starts = [*numbers(exported, "day"), *numbers(exported, "end")]
    with pytest.raises(Failed, match=f"the day {FIRST + timedelta(day)} is missing"):
        check(exported[: starts[day]] + exported[starts[day + 1] :])


def test_a_day_replaced_by_an_empty_one_is_found(exported):
    first, second = numbers(exported, "day")[:2]
    counts, seal = (n for n in (numbers(exported, "counts")[0], numbers(exported, "seal")[0]))
    empty = [exported[first], canonical({"type": "counts", "counts": {}}), exported[seal]]
    assert counts < second
    with pytest.raises(Failed, match=f"{FIRST} has 0 entries"):
        check(exported[:first] + empty + exported[second:])


def test_an_edited_notice_is_named(exported):
    (number,) = numbers(exported, "notice")
    notice = json.loads(exported[number])
    notice["content"]["words"]["title"] = "Kukilər!"
    with pytest.raises(Failed, match=f"the notice '{notice['hash']}' was edited"):
        check(rewritten(exported, number, content=notice["content"]))


@pytest.mark.parametrize("column", ["shown", "other"])
def test_a_changed_count_is_named(exported, column):
    number = numbers(exported, "counts")[1]
    counts = json.loads(exported[number])["counts"]
    row = counts["day"]["2026-11-21"]
    name = column if column == "shown" else next(name for name in row if name != "shown")
    row[name] += 1
    with pytest.raises(Failed, match="the counts of 2026-11-21"):
        check(rewritten(exported, number, counts=counts))


def test_seals_cannot_be_exchanged(exported):
    one, other, _ = numbers(exported, "seal")
    lines = list(exported)
    lines[one], lines[other] = lines[other], lines[one]
    with pytest.raises(Failed, match="one of another day"):
        check(lines)


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_a_truncated_export_says_so(exported, cut):
    with pytest.raises(Failed, match=r"cut off|expected here"):
        check(exported[:-cut])


@pytest.mark.parametrize("lines", [[b"hello"], [b"{}"], [b"[]"], [b'{"type":"log","version":9}']])
def test_what_is_no_export_is_told_apart(lines):
    with pytest.raises(NoExport):
        check(lines)

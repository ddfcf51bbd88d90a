"""The renderings carry the same numbers."""

import csv
import io
import json
from dataclasses import replace
from datetime import date

import pytest
from counted import asked, counts

from consent_server.rates.counts import RATES, Counts
from consent_server.rates.period import Period
from consent_server.rates.report import Difference, Recount, Report


def report(by: str = "language") -> Report:
    rows = {"az": asked(500, 100, 200, 50), "ru": asked(50, 10, 20), "": Counts()}
    total = Counts.total(rows.values())
    period = Period(date(2026, 11, 1), date(2026, 11, 2))
    return Report("shop", period, by, rows, total, asked(900, 200, 300), period.before)


def test_json_and_csv_carry_the_same_numbers():
    machine = json.loads(json.dumps(report().as_json()))
    sheet = list(csv.DictReader(io.StringIO(report().as_csv())))
    assert [row["language"] for row in machine["rows"]] == [row["language"] for row in sheet] == ["az", "ru", ""]
    for row, line in zip(machine["rows"], sheet, strict=True):
        assert {name: int(line[name]) for name in row["counts"]} == row["counts"]
        for name in RATES:
            for end, field in (("", "value"), ("_low", "low"), ("_high", "high")):
                cell = line[f"{name}_rate{end}"]
                assert (float(cell) if cell else None) == pytest.approx(row["rates"][name][field], abs=1e-8)
        assert line["too_few"].split() == [name for name in RATES if row["rates"][name]["too_few"]]
    assert "answer" in sheet[2]["too_few"].split()
    assert "answer" not in sheet[0]["too_few"].split()


def test_a_terminal_says_of_more_answers_than_displays_too_that_they_are_too_few():
    few = replace(report(), rows={"az": asked(3, 5)}, total=asked(3, 5))
    assert "166.7% too few" in few.as_text()


def test_json_has_what_the_page_says_of_how_things_moved():
    plain = report()
    moves = plain.as_json()["moves"]
    assert [*moves] == [*plain.moves]
    for name, move in plain.moves.items():
        assert moves[name] == {"difference": move.difference, "low": move.low, "high": move.high, "clear": move.clear}
    wider = [(moves[name], plain.as_json()["change"][name]) for name in moves]
    assert all(page["high"] - page["low"] >= alone["high"] - alone["low"] for page, alone in wider)
    assert set(replace(plain, is_unlike=True).as_json()["moves"].values()) == {None}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_a_spreadsheet_starts_a_formula(start):
    """A variant or a country may be named so by whoever writes consent.toml, or a header."""
    name = f"{start}HYPERLINK(1)"
    plain = report()
    sheets = [
        replace(plain, rows={name: asked(5, 1)}).as_csv(),
        recount(Difference("variant", name, None, None)).as_csv(),
    ]
    for sheet in sheets:
        cells = [cell for row in csv.reader(io.StringIO(sheet, newline="")) for cell in row]
        assert f"'{name}" in cells
        assert not [cell for cell in cells if cell.startswith(start) and start != "-"]


def test_the_total_is_compared_with_the_period_before():
    machine = report().as_json()
    assert machine["against"] == {"from": "2026-10-30", "to": "2026-10-31"}
    assert machine["total"]["counts"]["shown"] == 550
    assert machine["total"]["rates"]["answer"]["numerator"] == 380
    assert machine["change"]["answer"]["difference"] == pytest.approx(380 / 550 - 500 / 900)
    assert machine["change"]["withdrawal"]["clear"] is False


def test_a_part_is_named_wherever_its_numbers_are():
    part = replace(report(), only={"device": "phone", "variant": "=1"})
    whole, sheet = report().as_csv().splitlines(), part.as_csv().splitlines()
    assert [line.rpartition(",")[0] for line in sheet] == whole
    assert [line.rpartition(",")[2] for line in sheet] == ["only", *["device=phone variant==1"] * 3]
    assert replace(report(), only={"variant": "x"}).as_csv().splitlines()[1].endswith(",variant=x")
    assert part.as_text().startswith("shop, 2026-11-01 to 2026-11-02 (UTC), only device=phone variant==1\n")
    assert "only" not in report().as_text() + report().as_csv()


def test_a_terminal_says_how_it_moved_and_against_which_days():
    said = report().as_text(moved=True).splitlines()[1]
    assert said.startswith("Against 2026-10-30 to 2026-10-31: answer rate +13.5 points [+")
    assert "grants functional -2.1 points [-10.4 +6.2] not clear, grants analytics +" in said
    assert said.count("not clear") == 2
    few = replace(report(), before=Counts()).as_text(moved=True).splitlines()[1]
    assert few.count("too few") == 4


def test_days_that_were_counted_otherwise_are_told_by_every_way_that_has_room_for_it():
    odd = replace(report(), parts_since=date(2026, 11, 2), zone_since=date(2026, 11, 2))
    told = odd.as_json()
    assert (told["parts_since"], told["zone_since"]) == ("2026-11-02", "2026-11-02")
    assert odd.as_text(moved=True).splitlines()[2:5] == [
        "Parts are counted together since 2026-11-02: earlier days are missing.",
        "Days before 2026-11-02 were counted in another time zone.",
        "",
    ]
    assert not {"parts_since", "zone_since"} & {*report().as_json()}
    assert replace(odd, parts_since=None, zone_since=date(2026, 10, 1)).as_text().splitlines()[1] == ""


def recount(*differences: Difference) -> Recount:
    return Recount("shop", Period(date(2026, 11, 1), date(2026, 11, 2)), differences)


def test_a_recount_that_agrees_says_so_in_every_format():
    assert recount().as_json()["agree"] is True
    assert recount().as_json()["differences"] == []
    assert len(recount().as_csv().splitlines()) == 1
    assert recount().as_text() == "The counters of shop from 2026-11-01 to 2026-11-02 agree with the log.\n"


def test_a_recount_that_does_not_agree_says_what_differs_in_every_format():
    numbers = counts(first7=3).row[1:]
    it = recount(Difference("language", "az", numbers, None))
    machine = json.loads(json.dumps(it.as_json()))
    assert machine["agree"] is False
    [difference] = machine["differences"]
    assert (difference["by"], difference["value"], difference["logged"]) == ("language", "az", None)
    assert difference["counted"]["first7"] == 3
    counters, log = csv.DictReader(io.StringIO(it.as_csv()))
    assert (counters["source"], counters["first7"], log["source"], log["first7"]) == ("counters", "3", "log", "")
    assert it.as_text() == f"language az: counted {numbers}, the log says None\n"


def test_the_text_has_a_line_a_row_and_says_too_few():
    text = report().as_text()
    assert text.splitlines()[0] == "shop, 2026-11-01 to 2026-11-02 (UTC)"
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["language", "az", "ru", "-", "total"]
    assert "60.0% [46.2% 72.4%] too few" in text

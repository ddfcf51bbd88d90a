"""Sentences that are put together of the pages' words and what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import ceil

from markupsafe import Markup, escape

from ....rates.compare import Change, Verdict
from ....rates.experiment import PACE, Pace
from ....rates.happened.alarms import Alarm
from ....rates.happened.leaks import Leak
from ....rates.happened.marks import Mark
from ....rates.multiple import told
from ....rates.parts import Advice
from . import Words


def way_in_words(words: Words, how: str, banner: Mapping[str, str]) -> str:
    """Return the name of a way of answering: a button's as it stands on the banner, whose words these are."""
    return banner[how] if how in ("accept", "refuse") else words.value("how", how)


def advice_in_words(words: Words, advice: Advice) -> Markup:
    """Return one sentence about what would bring how much."""
    key = f"advice_{advice.rate}"
    if advice.by == "variant":
        key = f"advice_variant_{advice.rate.partition('_')[0]}"
        there = escape(advice.model)
        for rival in advice.rivals:
            there = words("either", a=there, b=rival)
    else:
        there = words("the_others") if advice.model is None else words.many(advice.by, advice.model)
    return _capital(words(key, a=words.many(advice.by, advice.value), b=there, more=words.number(advice.more)))


def _capital(sentence: Markup) -> Markup:
    """Return a sentence whose first letter is a capital, where it starts with a letter."""
    return sentence[:1].upper() + sentence[1:]


_LONGEST_WAIT = 180
"""Days beyond which nobody waits for a verdict; of fewer than PACE it may be by chance that they had few answers."""


def _early(verdict: Verdict, pace: Pace | None) -> tuple[str, int]:
    """Return what an open verdict waits for, and for how many days it will, or has, without an answer."""
    if pace is None:
        return "open", 0
    if pace.answers:
        days = ceil(verdict.more * pace.days / pace.answers)
        return ("far" if days > _LONGEST_WAIT and pace.days >= PACE else "early"), days
    # The last day is not over; of the first one nobody can say yet that nobody answers.
    return ("waiting", pace.days - 1) if pace.days > 1 else ("begun", 0)


def verdict_in_words(words: Words, verdict: Verdict, pace: Pace | None) -> Markup:
    """Return one sentence about two variants, which names the goal.

    ``pace``: that of these two; None if the experiment is over and no answers are to come.
    """
    goal = words.inside(f"rate_{verdict.goal}")
    if verdict.kind == "impossible":
        return words("verdict_impossible", goal=goal)
    if verdict.kind == "early":
        kind, days = _early(verdict, pace)
        return words(f"verdict_{kind}", goal=goal, days=words.number(days))
    if verdict.kind == "equal":
        return words("verdict_equal", goal=goal, margin=words.points(verdict.margin)[1:])
    low, high = sorted((abs(verdict.low or 0), abs(verdict.high or 0)))
    return words(
        "verdict_better",
        goal=goal,
        winner=verdict.b if verdict.kind == "better" else verdict.a,
        loser=verdict.a if verdict.kind == "better" else verdict.b,
        low=words.points(low)[1:],
        high=words.points(high)[1:],
    )


def judged_in_words(words: Words, verdict: Verdict, pace: Pace | None) -> Markup:
    """Return the same in a few words, for a cell of a table."""
    if verdict.kind == "impossible":
        return words("judged_impossible")
    if verdict.kind == "early":
        kind, days = _early(verdict, pace)
        return words(f"judged_{kind}", days=words.number(days))
    if verdict.kind == "equal":
        return words("judged_equal", margin=words.points(verdict.margin)[1:])
    return words(f"judged_{verdict.kind}", difference=words.points(verdict.difference or 0))


def alarm_in_words(words: Words, alarm: Alarm) -> Markup:
    """Return one sentence about a day that is not like the days before."""
    shares = alarm.kind != "silent"
    return words(
        f"alarm_{alarm.kind}",
        day=words.day(date.fromisoformat(alarm.day)),
        rate=words.rate(alarm.rate) if shares else "",
        value=words.percent(alarm.value),
        low=words.percent(alarm.low) if shares else words.number(int(alarm.low)),
        high=words.percent(alarm.high) if shares else words.number(int(alarm.high)),
    )


def mark_in_words(words: Words, mark: Mark) -> Markup:
    """Return what happened, in one sentence without its day."""
    unusual = Markup(", ").join(
        words(
            "mark_rate",
            rate=words.rate(alarm.rate),
            value=words.percent(alarm.value),
            low=words.percent(alarm.low),
            high=words.percent(alarm.high),
        )
        for alarm in mark.alarms
    )
    return words(f"mark_{mark.kind}", what=unusual or mark.what)


def moves_in_words(words: Words, moves: Mapping[str, Change | None], goal: str) -> Markup:
    """Return which rates say whether things get better, the goal first, and how far each moved."""
    items = []
    for name in told(moves, goal):
        move = moves[name]
        is_clear = move and move.clear
        points = words.points(move.difference if move else 0)
        items.append(words("trend_item" if is_clear else "trend_still", rate=words.rate(name), points=points))
    return Markup(", ").join(items)


def leak_in_words(words: Words, leak: Leak) -> Markup:
    """Return one sentence about a name that is not allowed."""
    others = [words(f"leak_{state}") for state in leak.states if state != "refused"]
    where = (
        words("leak_refused_too" if others else "leak_refused")
        if "refused" in leak.states
        else Markup(", ").join(others)
    )
    sentence = words(
        "leak",
        name=leak.name,
        kind=words(f"kind_{leak.kind}"),
        since=words("leak_older" if leak.is_older else "leak_since", day=words.day(leak.since)),
        where=where,
        many=words.number(leak.about),
    )
    return sentence + words("leak_over", day=words.day(leak.until)) if leak.is_over else sentence

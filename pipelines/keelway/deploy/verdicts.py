"""What measurements say of a new version: good, bad, or that nobody can tell. Pure.

Example:
    >>> limits = Limits(count=3, failure_limit=1)
    >>> judge(limits, [Mark.GOOD, Mark.BAD]) is None
    True
    >>> judge(limits, [Mark.GOOD, Mark.BAD, Mark.GOOD])
    <Verdict.SUCCESSFUL: 'successful'>
    >>> judge(limits, [Mark.BAD, Mark.BAD])
    <Verdict.FAILED: 'failed'>
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Verdict(StrEnum):
    """What is said of the new version."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """Neither could be shown: a person decides."""


class Mark(StrEnum):
    """What one measurement said."""

    GOOD = "good"
    BAD = "bad"
    UNCLEAR = "unclear"
    """Between what is good and what is bad."""
    UNMEASURED = "unmeasured"
    """It could not be taken: this says nothing of the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many measurements there are, and how many may be of which kind."""

    count: int = 3
    """Measurements; those that could not be taken don't count."""
    failure_limit: int = 0
    """So many may be bad."""
    unclear_limit: int = 0
    """So many may be unclear."""
    unmeasured_limit: int = 3
    """So many one after the other may not be taken."""
    successes_in_a_row: int | None = None
    """So many good ones one after the other end it early; without them nobody can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one request."""

    status: int | None = None
    """Nothing where there was no answer."""
    body: str = ""
    took_s: float = 0
    said: str = ""
    """Why there was no answer, or why nobody could ask."""
    asked: bool = True
    """Whether the service was asked at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an answer must be."""

    statuses: tuple[int, ...] = ()
    """All from 200 to 399 when empty."""
    body: str | None = None
    """A regular expression that is found in it."""
    latency_ms: float | None = None
    """In this time it is good."""
    unclear_ms: float | None = None
    """In this time it is unclear, and later bad; there is no such time when absent."""


def judge(limits: Limits, marks: Sequence[Mark]) -> Verdict | None:
    """Return what the measurements say; nothing as long as more of them are needed."""
    taken = [mark for mark in marks if mark is not Mark.UNMEASURED]
    if taken.count(Mark.BAD) > limits.failure_limit:
        return Verdict.FAILED
    if taken.count(Mark.UNCLEAR) > limits.unclear_limit:
        return Verdict.INCONCLUSIVE
    if _last_in_a_row(marks, Mark.UNMEASURED) > limits.unmeasured_limit:
        return Verdict.INCONCLUSIVE
    wanted = limits.successes_in_a_row
    if wanted is not None and _last_in_a_row(taken, Mark.GOOD) >= wanted:
        return Verdict.SUCCESSFUL
    if len(taken) < limits.count:
        return None
    shown = wanted is None and Mark.GOOD in taken
    return Verdict.SUCCESSFUL if shown else Verdict.INCONCLUSIVE


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return what several verdicts come to; nothing at all speaks against nobody."""
    said = set(verdicts)
    for verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE):
        if verdict in said:
            return verdict
    return Verdict.SUCCESSFUL


def mark(wanted: Wanted, answer: Answer) -> tuple[Mark, str]:
    """Return what an answer is, and why in a few words."""
    if not answer.asked:
        return Mark.UNMEASURED, answer.said
    if answer.status is None:
        return Mark.BAD, f"no answer ({answer.said})"
    allowed = wanted.statuses or range(200, 400)
    if answer.status not in allowed:
        return Mark.BAD, f"status {answer.status}"
    if wanted.body is not None and re.search(wanted.body, answer.body) is None:
        return Mark.BAD, f"status {answer.status}, but no {wanted.body!r} in it"
    took_ms = answer.took_s * 1000
    return _in_time(wanted, took_ms), f"status {answer.status} after {took_ms:.0f} ms"


def _in_time(wanted: Wanted, took_ms: float) -> Mark:
    if wanted.latency_ms is None or took_ms <= wanted.latency_ms:
        return Mark.GOOD
    if wanted.unclear_ms is not None and took_ms <= wanted.unclear_ms:
        return Mark.UNCLEAR
    return Mark.BAD


def _last_in_a_row(marks: Sequence[Mark], kind: Mark) -> int:
    return sum(1 for _ in takewhile(lambda one: one is kind, reversed(marks)))

"""Findings in words and in order."""

from __future__ import annotations

import pytest

from keelway.model.findings import Kind, Severity, count, found_text
from tests.support.built import found


def test_severities_are_ordered() -> None:
    names = ["unknown", "low", "medium", "high", "critical"]
    assert [severity.label for severity in sorted(Severity)] == names


@pytest.mark.parametrize("text", ["CRITICAL", "critical", " Critical "])
def test_a_scanners_word_is_understood(text: str) -> None:
    assert Severity.parse(text) is Severity.CRITICAL


def test_a_word_that_nobody_knows_is_unknown() -> None:
    assert Severity.parse("negligible") is Severity.UNKNOWN


def test_counts_have_every_severity_worst_first() -> None:
    counts = count([found(Kind.SECRET, Severity.LOW)] * 2)
    assert list(counts.items()) == [
        ("critical", 0),
        ("high", 0),
        ("medium", 0),
        ("low", 2),
        ("unknown", 0),
    ]


@pytest.mark.parametrize(
    ("some", "text"),
    [
        ([], "nothing"),
        ([("secret", "low"), ("vulnerability", "critical")], "1 critical, 1 low"),
        ([("license", "high")], "1 licence to know of"),
        ([("license", "high"), ("license", "low"), ("secret", "high")],
         "1 high, 2 licences to know of"),
    ],
)  # fmt: skip
def test_what_people_read(some: list[tuple[str, str]], text: str) -> None:
    assert found_text(some) == text

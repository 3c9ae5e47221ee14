"""When a registry is asked again, and after which pause."""

from __future__ import annotations

import pytest

from keelway.registry.retrying import is_passing, pause_s, retry_after

NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(("status", "passing"), [(200, False), (401, False), (403, False),
    (404, False), (429, True), (500, True), (502, True), (503, True)])  # fmt: skip
def test_only_429_and_5xx_may_pass(status: int, *, passing: bool) -> None:
    assert is_passing(status) is passing


def test_each_pause_is_longer_and_none_is_like_the_other() -> None:
    for attempt, longest in ((1, 0.5), (2, 1.0), (3, 2.0), (10, 20.0)):
        pauses = {pause_s(attempt) for _ in range(20)}
        assert len(pauses) > 1
        assert all(longest / 2 <= pause <= longest for pause in pauses)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("9999", 60.0),
        ("Wed, 21 Oct 2015 07:28:09 GMT", 9.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_the_registrys_own_wish_counts(value: str, seconds: float) -> None:
    assert retry_after({"retry-after": value}, now=NOW) == seconds
    assert pause_s(1, seconds) >= seconds

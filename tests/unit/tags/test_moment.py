"""Dates in moment.js's written form; what is expected was written by moment.js itself."""

from datetime import UTC, datetime

import pytest

from keelway.tags.moment import UnknownZoneError, format_moment

MOMENT = datetime(2020, 1, 10, 0, 30, 5, 70_000, tzinfo=UTC)
EVENING = datetime(2024, 12, 31, 23, 4, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "zone", "expected"),
    [
        ("YYYYMMDD", "UTC", "20200110"),
        ("YYYYMMDD-HHmmss", "Asia/Tokyo", "20200110-093005"),
        ("dddd, MMMM Do YYYY, h:mm:ss a", "UTC", "Friday, January 10th 2020, 12:30:05 am"),
        ("YYYY-MM-DDTHH:mm:ss.SSS[Z]", "UTC", "2020-01-10T00:30:05.070Z"),
        ("YYYY-MM-DD HH:mm Z ZZ", "America/New_York", "2020-01-09 19:30 -05:00 -0500"),
        ("Z", "Asia/Kolkata", "+05:30"),
        ("M Mo MMM Q Qo D DDD DDDo DDDD", "UTC", "1 1st Jan 1 1st 10 10 10th 010"),
        ("d do dd ddd e E", "UTC", "5 5th Fr Fri 5 5"),
        ("w wo ww gg gggg W Wo WW GG GGGG", "UTC", "2 2nd 02 20 2020 2 2nd 02 20 2020"),
        ("YY Y y YYYYYY", "UTC", "20 2020 2020 +002020"),
        ("H HH h hh k kk A", "UTC", "0 00 12 12 24 24 AM"),
        ("m mm s ss S SS SSSS", "UTC", "30 30 5 05 0 07 0700"),
        ("X x", "UTC", "1578616205 1578616205070"),
        ("LT|LTS|L|l", "UTC", "12:30 AM|12:30:05 AM|01/10/2020|1/10/2020"),
        ("LL|ll", "UTC", "January 10, 2020|Jan 10, 2020"),
        ("LLLL", "UTC", "Friday, January 10, 2020 12:30 AM"),
        ("[at] \\YYYY [LT]", "UTC", "at YYYY LT"),
        ("hmm Hmmss", "UTC", "1230 03005"),
    ],
)
def test_tokens(form: str, zone: str, expected: str) -> None:
    assert format_moment(MOMENT, form, zone=zone) == expected


def test_the_last_days_of_a_year_may_be_in_the_next_ones_first_week() -> None:
    assert format_moment(EVENING, "gggg-ww GGGG-WW YYYY") == "2025-01 2025-01 2024"
    assert format_moment(EVENING, "hh:mm a", zone="Europe/Vienna") == "12:04 am"


@pytest.mark.parametrize(
    ("day", "expected"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (13, "13th"), (22, "22nd")],
)
def test_ordinal_numbers(day: int, expected: str) -> None:
    assert format_moment(datetime(2020, 1, day, tzinfo=UTC), "Do") == expected


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_an_unknown_time_zone(zone: str) -> None:
    with pytest.raises(UnknownZoneError, match="one of IANA's"):
        format_moment(MOMENT, "YYYY", zone=zone)

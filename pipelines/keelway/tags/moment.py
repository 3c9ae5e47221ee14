"""Dates in the written form of moment.js, which docker/metadata-action's patterns use.

The tokens are those of https://momentjs.com/docs/#/displaying/format/, in the English locale.

Example:
    >>> from datetime import UTC, datetime
    >>> moment = datetime(2020, 1, 10, 15, 25, 50, tzinfo=UTC)
    >>> format_moment(moment, "dddd, MMMM Do YYYY, h:mm:ss a")
    'Friday, January 10th 2020, 3:25:50 pm'
    >>> format_moment(moment, "[v]YYYYMMDD-HHmmss")
    'v20200110-152550'
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONG_DATE = re.compile(r"\[[^\[]*\]|\\?(?:LTS|LT|L{1,4}|l{1,4})")
_TOKEN = re.compile(
    r"\[[^\[]*\]|\\?(?:[Hh]mm(?:ss)?|Mo|M{1,4}|Do|DDDo|D{1,4}|d{2,4}|do?|w[ow]?|W[oW]?|Qo?"
    r"|N{1,5}|Y{4,6}|YY|y{2,4}|yo?|gg(?:ggg?)?|GG(?:GGG?)?|hh?|HH?|kk?|mm?|ss?|S{1,9}|zz?|ZZ?|.)",
    re.DOTALL,
)
_LONG_DATES: Mapping[str, str] = {
    "LT": "h:mm A",
    "LTS": "h:mm:ss A",
    "L": "MM/DD/YYYY",
    "LL": "MMMM D, YYYY",
    "LLL": "MMMM D, YYYY h:mm A",
    "LLLL": "dddd, MMMM D, YYYY h:mm A",
    "l": "M/D/YYYY",
    "ll": "MMM D, YYYY",
    "lll": "MMM D, YYYY h:mm A",
    "llll": "ddd, MMM D, YYYY h:mm A",
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class UnknownZoneError(ValueError):
    """A time zone that nobody knows."""


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone of IANA's database, as in `Europe/Vienna`.

    Raises:
        UnknownZoneError: When there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZoneError(
            f"unknown time zone {name!r}: write one of IANA's, as in 'Europe/Vienna' or 'UTC'"
        ) from error


def format_moment(moment: datetime, form: str, *, zone: str = "UTC") -> str:
    """Return the moment as the form asks for it; text between `[` and `]` stands as it is.

    Args:
        moment: Aware.
        form: Tokens of moment.js.
        zone: IANA's name of the time zone that it is told in.

    Raises:
        UnknownZoneError: When there is no such time zone.
    """
    local = moment.astimezone(find_zone(zone))
    expanded = _LONG_DATE.sub(lambda found: _LONG_DATES.get(found[0], found[0]), form)
    return _TOKEN.sub(lambda found: _written(local, found[0]), expanded)


def _written(moment: datetime, token: str) -> str:
    if token.startswith("[") and len(token) > 1:
        return token[1:-1]
    if token.startswith("\\") and len(token) > 1:
        return token[1:]
    if token in _WRITERS:
        return _WRITERS[token](moment)
    return _fraction(moment, len(token)) if token.startswith("S") else token


def _fraction(moment: datetime, digits: int) -> str:
    """Return milliseconds, as many digits as asked for: moment.js knows no finer ones."""
    return f"{moment.microsecond // 1000:03d}{'0' * 6}"[:digits]


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number // 10 % 10 == 1 else ending}"


def _quarter(moment: datetime) -> int:
    return (moment.month + 2) // 3


def _day_of_year(moment: datetime) -> int:
    return moment.timetuple().tm_yday


def _sunday_first(moment: datetime) -> int:
    return moment.isoweekday() % 7


def _week(moment: datetime) -> tuple[int, int]:
    """Return year and week of the English locale: Sunday first, week 1 has the first of January."""
    saturday = moment + timedelta(days=6 - _sunday_first(moment))
    return saturday.year, (_day_of_year(saturday) - 1) // 7 + 1


def _iso_year(moment: datetime) -> int:
    return moment.isocalendar().year


def _iso_week(moment: datetime) -> int:
    return moment.isocalendar().week


def _offset(moment: datetime, *, colon: str) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}{colon}{rest:02d}"


def _hour_of_12(moment: datetime) -> int:
    return moment.hour % 12 or 12


def _hour_of_24(moment: datetime) -> int:
    return moment.hour or 24


def _number(read: Callable[[datetime], int], width: int, moment: datetime) -> str:
    return f"{read(moment):0{width}d}"


def _numbered(read: Callable[[datetime], int], moment: datetime) -> str:
    return _ordinal(read(moment))


def _seconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1))


def _milliseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


_NUMBERS: Mapping[str, tuple[Callable[[datetime], int], int]] = {
    "M": (lambda at: at.month, 1),
    "MM": (lambda at: at.month, 2),
    "Q": (_quarter, 1),
    "D": (lambda at: at.day, 1),
    "DD": (lambda at: at.day, 2),
    "DDD": (_day_of_year, 1),
    "DDDD": (_day_of_year, 3),
    "d": (_sunday_first, 1),
    "e": (_sunday_first, 1),
    "E": (lambda at: at.isoweekday(), 1),
    "w": (lambda at: _week(at)[1], 1),
    "ww": (lambda at: _week(at)[1], 2),
    "W": (_iso_week, 1),
    "WW": (_iso_week, 2),
    "YY": (lambda at: at.year % 100, 2),
    "Y": (lambda at: at.year, 4),
    "YYYY": (lambda at: at.year, 4),
    "YYYYY": (lambda at: at.year, 5),
    "y": (lambda at: at.year, 1),
    "yy": (lambda at: at.year, 2),
    "yyy": (lambda at: at.year, 3),
    "yyyy": (lambda at: at.year, 4),
    "gg": (lambda at: _week(at)[0] % 100, 2),
    "gggg": (lambda at: _week(at)[0], 4),
    "ggggg": (lambda at: _week(at)[0], 5),
    "GG": (lambda at: _iso_year(at) % 100, 2),
    "GGGG": (_iso_year, 4),
    "GGGGG": (_iso_year, 5),
    "h": (_hour_of_12, 1),
    "hh": (_hour_of_12, 2),
    "H": (lambda at: at.hour, 1),
    "HH": (lambda at: at.hour, 2),
    "k": (_hour_of_24, 1),
    "kk": (_hour_of_24, 2),
    "m": (lambda at: at.minute, 1),
    "mm": (lambda at: at.minute, 2),
    "s": (lambda at: at.second, 1),
    "ss": (lambda at: at.second, 2),
    "X": (_seconds, 1),
    "x": (_milliseconds, 1),
}
_ORDINALS: Mapping[str, Callable[[datetime], int]] = {
    "Mo": lambda at: at.month,
    "Qo": _quarter,
    "Do": lambda at: at.day,
    "DDDo": _day_of_year,
    "do": _sunday_first,
    "wo": lambda at: _week(at)[1],
    "Wo": _iso_week,
    "yo": lambda at: at.year,
}
_WRITERS: Mapping[str, Callable[[datetime], str]] = {
    **{token: partial(_number, read, width) for token, (read, width) in _NUMBERS.items()},
    **{token: partial(_numbered, read) for token, read in _ORDINALS.items()},
    "MMM": lambda at: _MONTHS[at.month - 1][:3],
    "MMMM": lambda at: _MONTHS[at.month - 1],
    "dd": lambda at: _DAYS[at.weekday()][:2],
    "ddd": lambda at: _DAYS[at.weekday()][:3],
    "dddd": lambda at: _DAYS[at.weekday()],
    "YYYYYY": lambda at: f"+{at.year:06d}",
    "a": lambda at: "pm" if at.hour >= 12 else "am",  # noqa: PLR2004 -- noon
    "A": lambda at: "PM" if at.hour >= 12 else "AM",  # noqa: PLR2004 -- noon
    "hmm": lambda at: f"{_hour_of_12(at)}{at.minute:02d}",
    "hmmss": lambda at: f"{_hour_of_12(at)}{at.minute:02d}{at.second:02d}",
    "Hmm": lambda at: f"{at.hour}{at.minute:02d}",
    "Hmmss": lambda at: f"{at.hour}{at.minute:02d}{at.second:02d}",
    "N": lambda _: "AD",
    "NN": lambda _: "AD",
    "NNN": lambda _: "AD",
    "NNNN": lambda _: "Anno Domini",
    "NNNNN": lambda _: "AD",
    "Z": partial(_offset, colon=":"),
    "ZZ": partial(_offset, colon=""),
    "z": lambda at: at.tzname() or "",
    "zz": lambda at: at.tzname() or "",
}

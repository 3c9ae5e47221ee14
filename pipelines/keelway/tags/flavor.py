"""The flavor of all tags, in docker/metadata-action's written form.

Example:
    >>> parse_flavor(["latest=auto", "suffix=-alpine,onlatest=true"])
    Flavor(latest='auto', prefix='', suffix='-alpine', prefix_latest=False, suffix_latest=True)
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keelway.tags.expressions import check_template
from keelway.tags.rules import RuleError, unknown
from keelway.tags.template import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEYS = ("latest", "prefix", "suffix", "onlatest")


@dataclass(frozen=True, slots=True)
class Flavor:
    """What all tags have in common."""

    latest: Literal["auto"] | bool = "auto"
    """Whether `latest` is added; `"auto"` leaves it to the first rule that gives a tag."""
    prefix: str = ""
    """Before each tag whose rule has no prefix of its own."""
    suffix: str = ""
    prefix_latest: bool = False
    """Whether `latest` gets the prefix too."""
    suffix_latest: bool = False


def parse_flavor(entries: Iterable[str]) -> Flavor:
    """Return the flavor; of a key that is there twice the last one counts.

    Raises:
        RuleError: When an entry cannot be understood.
    """
    latest: Literal["auto"] | bool = "auto"
    texts = {"prefix": "", "suffix": ""}
    on_latest = {"prefix": False, "suffix": False}
    for entry in entries:
        before: str | None = None
        for key, value in _fields(entry):
            if key == "latest":
                latest = _latest(value)
            elif key == "onlatest":
                if before is None:
                    raise RuleError(f"onlatest follows a prefix or a suffix: {entry!r}")
                on_latest[before] = _flag(value)
            else:
                before = key
                texts[key] = _template(key, value)
    return Flavor(
        latest=latest,
        prefix=texts["prefix"],
        suffix=texts["suffix"],
        prefix_latest=on_latest["prefix"],
        suffix_latest=on_latest["suffix"],
    )


def _fields(entry: str) -> Iterator[tuple[str, str]]:
    for field in next(csv.reader([entry], skipinitialspace=True), list[str]()):
        key, equals, value = (part.strip() for part in field.partition("="))
        if not equals:
            raise RuleError(f"{field!r} is no entry of a flavor: write key=value")
        if key.lower() not in KEYS:
            raise RuleError(unknown("key of a flavor", key, KEYS))
        yield key.lower(), value


def _latest(value: str) -> Literal["auto"] | bool:
    return "auto" if value == "auto" else _flag(value, "latest takes auto, true or false")


def _flag(value: str, takes: str = "onlatest takes true or false") -> bool:
    if value not in {"true", "false"}:
        raise RuleError(f"{takes}, not {value!r}")
    return value == "true"


def _template(key: str, value: str) -> str:
    try:
        check_template(value, f"{key} of the flavor")
    except TemplateError as error:
        raise RuleError(str(error)) from error
    return value

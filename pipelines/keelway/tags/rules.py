"""Tag rules in docker/metadata-action's written form.

Example:
    >>> rule = parse_rule("type=semver,pattern={{major}}.{{minor}}")
    >>> rule.kind, rule.priority
    ('semver', 900)
    >>> parse_rule("type=sah")
    Traceback (most recent call last):
    ...
    keelway.tags.rules.RuleError: unknown type 'sah'. Did you mean 'sha'? Known: raw, ref, ...
"""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["semver", "ref", "raw", "sha"]

# Metadata-action's own numbers, so that the same rules give the same order.
DEFAULT_PRIORITY: Mapping[Kind, int] = {"semver": 900, "ref": 600, "raw": 200, "sha": 100}

_KINDS: Mapping[str, Kind] = {"raw": "raw", "ref": "ref", "semver": "semver", "sha": "sha"}
GENERAL_ATTRIBUTES = ("enable", "priority", "prefix", "suffix")
ATTRIBUTES: Mapping[Kind, tuple[str, ...]] = {
    "semver": ("pattern", "value", "match"),
    "ref": ("event",),
    "raw": ("value",),
    "sha": ("format",),
}
_REQUIRED: Mapping[Kind, str | None] = {
    "semver": "pattern",
    "ref": "event",
    "raw": "value",
    "sha": None,
}
CHOICES: Mapping[tuple[Kind, str], tuple[str, ...]] = {
    ("ref", "event"): ("branch", "tag"),
    ("sha", "format"): ("short", "long"),
}
COMMIT_EXPRESSIONS = ("branch", "tag", "sha")
VERSION_EXPRESSIONS = ("raw", "version", "major", "minor", "patch")
_EXPRESSION = re.compile(r"\{\{\s*(.*?)\s*\}\}")


class RuleError(ValueError):
    """A tag rule that cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """One rule, checked, with its defaults filled in."""

    text: str
    """As it was written."""
    kind: Kind
    enable: bool
    priority: int
    prefix: str
    suffix: str
    event: str = ""
    pattern: str = ""
    value: str = ""
    match: str = ""
    format: str = "short"


def parse_rule(text: str) -> TagRule:
    """Return the rule.

    Raises:
        RuleError: When the type, an attribute or a value is unknown, or one is missing.
    """
    kind, attributes = _split(text)
    known = (*GENERAL_ATTRIBUTES, *ATTRIBUTES[kind])
    for name, value in attributes.items():
        if name not in known:
            raise RuleError(_unknown(f"attribute of type={kind}", name, known))
        choices = CHOICES.get((kind, name))
        if choices is not None and value not in choices:
            raise RuleError(_unknown(name, value, choices))
    _check_required(kind, attributes)
    _check_templates(kind, attributes)
    return TagRule(
        text=text,
        kind=kind,
        enable=_flag(attributes.get("enable", "true")),
        priority=_number(attributes.get("priority", str(DEFAULT_PRIORITY[kind]))),
        prefix=attributes.get("prefix", "sha-" if kind == "sha" else ""),
        suffix=attributes.get("suffix", ""),
        event=attributes.get("event", ""),
        pattern=attributes.get("pattern", ""),
        value=attributes.get("value", ""),
        match=_regular_expression(attributes.get("match", "")),
        format=attributes.get("format", "short"),
    )


def expressions(template: str) -> list[str]:
    """Return what stands between the double braces of a template."""
    return _EXPRESSION.findall(template)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the template with each `{{name}}` replaced; every name must be in the values."""
    return _EXPRESSION.sub(lambda found: values[found[1]], template)


def _split(text: str) -> tuple[Kind, dict[str, str]]:
    """Return the type and the attributes; a field without `=` is the value of a raw tag."""
    fields = next(csv.reader([text], skipinitialspace=True), list[str]())
    kind: Kind | None = None
    attributes: dict[str, str] = {}
    for field in fields:
        name, equals, value = (part.strip() for part in field.partition("="))
        if not equals:
            name, value = "value", name
        if name.lower() != "type":
            attributes[name.lower()] = value
        elif value in _KINDS:
            kind = _KINDS[value]
        else:
            raise RuleError(_unknown("type", value, _KINDS))
    if not fields:
        raise RuleError("a tag rule is empty: remove it, or write for example type=sha")
    return kind or "raw", attributes


def _check_required(kind: Kind, attributes: Mapping[str, str]) -> None:
    required = _REQUIRED[kind]
    if required is not None and not attributes.get(required):
        raise RuleError(f"type={kind} needs {required}=...")


def _check_templates(kind: Kind, attributes: Mapping[str, str]) -> None:
    """Refuse expressions that nothing could fill in, while the place in the file is known."""
    for name in ("prefix", "suffix", "value", "pattern"):
        known = VERSION_EXPRESSIONS if name == "pattern" else COMMIT_EXPRESSIONS
        for expression in expressions(attributes.get(name, "")):
            if expression not in known:
                raise RuleError(_unknown(f"expression in {name} of type={kind}", expression, known))


def _flag(value: str) -> bool:
    if value not in {"true", "false"}:
        raise RuleError(f"enable takes true or false, not {value!r}")
    return value == "true"


def _number(value: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", value):
        raise RuleError(f"priority takes a whole number, not {value!r}")
    return int(value)


def _regular_expression(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise RuleError(f"match is no regular expression: {error}") from error
    if pattern and not groups:
        raise RuleError(f"match {pattern!r} has no group: put the version in (...)")
    return pattern


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"unknown {what} '{name}'.{hint} Known: {', '.join(sorted(known))}"

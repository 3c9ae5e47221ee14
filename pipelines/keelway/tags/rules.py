"""Tag rules in docker/metadata-action's written form.

Example:
    >>> rule = parse_rule("type=semver,pattern={{major}}.{{minor}}")
    >>> rule.kind, rule.priority
    ('semver', 900)
    >>> parse_rule("type=sah")
    Traceback (most recent call last):
    ...
    keelway.tags.rules.RuleError: unknown type 'sah'. Did you mean 'sha'? Known: edge, match, ...
"""

from __future__ import annotations

import csv
import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keelway.tags.expressions import check_template
from keelway.tags.patterns import PatternError, compile_pattern
from keelway.tags.template import TemplateError, calls
from keelway.tags.versions import EXPRESSIONS as VERSION_EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["schedule", "semver", "pep440", "match", "edge", "ref", "raw", "sha"]

# Metadata-action's own numbers, so that the same rules give the same order.
DEFAULT_PRIORITY: Mapping[Kind, int] = {
    "schedule": 1000,
    "semver": 900,
    "pep440": 900,
    "match": 800,
    "edge": 700,
    "ref": 600,
    "raw": 200,
    "sha": 100,
}
GENERAL_ATTRIBUTES = ("enable", "priority", "prefix", "suffix")
ATTRIBUTES: Mapping[Kind, tuple[str, ...]] = {
    "schedule": ("pattern",),
    "semver": ("pattern", "value", "match"),
    "pep440": ("pattern", "value", "match"),
    "match": ("pattern", "group", "value"),
    "edge": ("branch",),
    "ref": ("event",),
    "raw": ("value",),
    "sha": ("format",),
}
CHOICES: Mapping[tuple[Kind, str], tuple[str, ...]] = {
    ("ref", "event"): ("branch", "tag", "pr"),
    ("sha", "format"): ("short", "long"),
}
_KINDS: Mapping[str, Kind] = {kind: kind for kind in DEFAULT_PRIORITY}
_REQUIRED: Mapping[Kind, str] = {
    "semver": "pattern",
    "pep440": "pattern",
    "match": "pattern",
    "ref": "event",
    "raw": "value",
}
_VERSIONS: frozenset[Kind] = frozenset({"semver", "pep440"})


class RuleError(ValueError):
    """A tag rule that cannot be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """One rule, checked, with its defaults filled in."""

    text: str
    """As it was written."""
    kind: Kind
    enable: str
    """`true`, `false`, or a template that gives one of them."""
    priority: int
    prefix: str | None
    """None where the flavor's counts."""
    suffix: str | None
    event: str = ""
    pattern: str = ""
    value: str = ""
    match: str = ""
    group: str = "0"
    branch: str = ""
    """The branch of an edge; empty for the default one."""
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
            raise RuleError(unknown(f"attribute of type={kind}", name, known))
        choices = CHOICES.get((kind, name))
        if choices is not None and value not in choices:
            raise RuleError(unknown(name, value, choices))
    required = _REQUIRED.get(kind)
    if required is not None and not attributes.get(required):
        raise RuleError(f"type={kind} needs {required}=...")
    _check_templates(kind, attributes)
    _check_patterns(kind, attributes)
    return TagRule(
        text=text,
        kind=kind,
        enable=_enabled(attributes.get("enable", "true")),
        priority=_number(attributes.get("priority", str(DEFAULT_PRIORITY[kind]))),
        prefix=attributes.get("prefix", _own_prefix(kind, attributes)),
        suffix=attributes.get("suffix"),
        event=attributes.get("event", ""),
        pattern=attributes.get("pattern", "nightly" if kind == "schedule" else ""),
        value=attributes.get("value", ""),
        match=attributes.get("match", ""),
        group=attributes.get("group", "0"),
        branch=attributes.get("branch", ""),
        format=attributes.get("format", "short"),
    )


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return the message for a word that is not known, with the nearest one that is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"unknown {what} '{name}'.{hint} Known: {', '.join(sorted(known))}"


def _own_prefix(kind: Kind, attributes: Mapping[str, str]) -> str | None:
    if kind == "sha":
        return "sha-"
    return "pr-" if attributes.get("event") == "pr" else None


def _split(text: str) -> tuple[Kind, dict[str, str]]:
    """Return the type and the attributes; a field without `=` is the value of a raw tag."""
    fields = next(csv.reader([text], skipinitialspace=True), list[str]())
    kind: Kind | None = None
    attributes: dict[str, str] = {}
    for field in fields:
        name, equals, value = (part.strip() for part in field.partition("="))
        if not equals or not name:
            name, value = "value", field.strip()
        if name.lower() != "type":
            attributes[name.lower()] = value
        elif value in _KINDS:
            kind = _KINDS[value]
        else:
            raise RuleError(unknown("type", value, _KINDS))
    if not fields:
        raise RuleError("a tag rule is empty: remove it, or write for example type=sha")
    return kind or "raw", attributes


def _check_templates(kind: Kind, attributes: Mapping[str, str]) -> None:
    """Refuse expressions that nothing could fill in, while the place in the file is known."""
    templates = ("enable", "prefix", "suffix", "value", *(("pattern",) if kind != "match" else ()))
    for name in templates:
        more = VERSION_EXPRESSIONS if name == "pattern" and kind in _VERSIONS else ()
        try:
            check_template(attributes.get(name, ""), f"{name} of type={kind}", more)
        except TemplateError as error:
            raise RuleError(str(error)) from error


def _check_patterns(kind: Kind, attributes: Mapping[str, str]) -> None:
    """Refuse regular expressions that can never give a version or a tag."""
    name = "pattern" if kind == "match" else "match"
    text = attributes.get(name, "")
    if kind not in {"match", *_VERSIONS} or not text:
        return
    try:
        pattern = compile_pattern(text, delimited=kind == "match")
    except PatternError as error:
        raise RuleError(f"{name} is no regular expression: {error}") from error
    if kind != "match" and not pattern.compiled.groups:
        raise RuleError(f"match {text!r} has no group: put the version in (...)")
    group = attributes.get("group", "0")
    if not re.fullmatch(r"[0-9]+", group):
        raise RuleError(f"group takes a whole number, not {group!r}")


def _enabled(value: str) -> str:
    if value not in {"true", "false"} and not calls(value):
        raise RuleError(f"enable takes true or false, not {value!r}")
    return value


def _number(value: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", value):
        raise RuleError(f"priority takes a whole number, not {value!r}")
    return int(value)

"""The expressions that every template of a tag, label or annotation may hold.

Example:
    >>> from keelway.tags.occasion import GitRef, Occasion
    >>> fill("my-{{branch}}", Occasion(ref=GitRef(kind="branch", name="main")))
    'my-main'
"""

from __future__ import annotations

import difflib
import fnmatch
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from keelway.tags.moment import UnknownZoneError, find_zone, format_moment
from keelway.tags.template import TemplateError, calls, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from keelway.tags.occasion import Occasion, RefKind
    from keelway.tags.template import Call


_ISO = "YYYY-MM-DDTHH:mm:ss"


class NothingKnownError(Exception):
    """An expression asks for what is not known here; says what."""


def fill(template: str, occasion: Occasion, more: Mapping[str, str] | None = None) -> str:
    """Return the template with its expressions replaced.

    What there is none of is empty: the branch of a release that is made for a git tag, say.

    Args:
        template: The text.
        occasion: What is released.
        more: Values that only this template knows, which go before the others.

    Raises:
        NothingKnownError: When what it asks for is not known here.
        TemplateError: When it cannot be read.
    """
    known = more or {}

    def value(call: Call) -> str:
        return known[call.name] if call.name in known else GLOBAL[call.name](call, occasion)

    return render(template, value)


def check_template(template: str, where: str, more: Iterable[str] = ()) -> None:
    """Look at a template while the place where it is written is known.

    Args:
        template: The text.
        where: What it belongs to, for the message.
        more: Names that only this template knows.

    Raises:
        TemplateError: When it cannot be read, or holds what nothing could fill in.
    """
    if "${{" in template:
        raise TemplateError(
            f"{where} holds an expression of GitHub's own, which only GitHub can evaluate:"
            " write {{is_default_branch}}, {{is_branch 'name'}} or {{is_tag 'v*'}} instead"
        )
    known = (*more, *GLOBAL)
    for call in calls(template):
        if call.name not in known:
            near = difflib.get_close_matches(call.name, known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise TemplateError(
                f"unknown expression in {where} '{call.name}'.{hint} Known: {', '.join(known)}"
            )
        _check_call(call)


def _check_call(call: Call) -> None:
    if call.name in _DATES:
        if len(call.arguments) != 1 or set(call.options) - {"tz"}:
            raise TemplateError(
                f"{{{{{call.text}}}}} takes a format and a time zone,"
                f" as in {{{{{call.name} 'YYYYMMDD' tz='Asia/Tokyo'}}}}"
            )
        try:
            find_zone(call.options.get("tz", "UTC"))
        except UnknownZoneError as error:
            raise TemplateError(str(error)) from error
    elif call.name in _MATCHING and call.bare:
        raise TemplateError(f"{{{{{call.text}}}}}: put the name in quotes")
    elif call.options or (call.arguments and call.name not in _MATCHING):
        raise TemplateError(f"{{{{{call.name}}}}} takes nothing after its name: {call.text!r}")


def _branch(_: Call, occasion: Occasion) -> str:
    return _named(occasion, "branch", "branch")


def _tag(_: Call, occasion: Occasion) -> str:
    return _named(occasion, "tag", "tag")


def _named(occasion: Occasion, kind: RefKind, word: str) -> str:
    if occasion.ref is None:
        why = occasion.no_sha if occasion.sha is None else f"the commit has no {word}"
        raise NothingKnownError(why)
    return occasion.ref.name if occasion.ref.kind == kind else ""


def _sha(_: Call, occasion: Occasion) -> str:
    if occasion.sha is None:
        raise NothingKnownError(occasion.no_sha)
    return occasion.short_sha


def _base_ref(_: Call, occasion: Occasion) -> str:
    return occasion.base_ref


def _is_default(_: Call, occasion: Occasion) -> str:
    if occasion.on_default_branch:
        return "true"
    if occasion.ref is None or occasion.ref.kind != "branch":
        return "false"
    if occasion.default_branch is None:
        raise NothingKnownError(
            "the default branch is not known here: set tags.default_branch to its name"
        )
    return _flag(answer=occasion.ref.name == occasion.default_branch)


def _is_not_default(call: Call, occasion: Occasion) -> str:
    return _flag(answer=_is_default(call, occasion) == "false")


def _date(call: Call, occasion: Occasion) -> str:
    if occasion.epoch is None:
        raise NothingKnownError("no time is known: neither SOURCE_DATE_EPOCH nor a commit is there")
    return _written(call, datetime.fromtimestamp(occasion.epoch, UTC))


def _commit_date(call: Call, occasion: Occasion) -> str:
    if occasion.committed_at is None:
        return _date(call, occasion)
    return _written(call, occasion.committed_at)


def _written(call: Call, moment: datetime) -> str:
    zone = call.options.get("tz", "UTC")
    if call.bare:
        # A name that stands for nothing: then moment.js writes its default form.
        utc = moment.astimezone(find_zone(zone)).utcoffset() == timedelta()
        return format_moment(moment, _ISO + ("[Z]" if utc else "Z"), zone=zone)
    return format_moment(moment, call.arguments[0], zone=zone)


def _is_branch(call: Call, occasion: Occasion) -> str:
    return _is_kind("branch", call, occasion)


def _is_tag(call: Call, occasion: Occasion) -> str:
    return _is_kind("tag", call, occasion)


def _is_pr(call: Call, occasion: Occasion) -> str:
    return _is_kind("pull_request", call, occasion)


def _is_kind(kind: RefKind, call: Call, occasion: Occasion) -> str:
    """Return whether the reference is of that kind, and matches one of the patterns if any."""
    ref = occasion.ref
    if ref is None or ref.kind != kind:
        return "false"
    names = call.arguments or ("*",)
    return _flag(answer=any(fnmatch.fnmatchcase(ref.name, name) for name in names))


def _event(_: Call, occasion: Occasion) -> str:
    return occasion.event


def _flag(*, answer: bool) -> str:
    return "true" if answer else "false"


GLOBAL: Mapping[str, Callable[[Call, Occasion], str]] = {
    "branch": _branch,
    "tag": _tag,
    "sha": _sha,
    "base_ref": _base_ref,
    "is_default_branch": _is_default,
    "is_not_default_branch": _is_not_default,
    "date": _date,
    "commit_date": _commit_date,
    "is_branch": _is_branch,
    "is_tag": _is_tag,
    "is_pr": _is_pr,
    "event": _event,
}
"""What may stand in any template, by name."""

_DATES = frozenset({"date", "commit_date"})
_MATCHING = frozenset({"is_branch", "is_tag", "is_pr"})

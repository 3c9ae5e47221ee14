"""What must stay whatever the rules say: what runs, and what a rollback needs. Pure.

It is read from the histories of deployments, and from lists that somebody gives.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from keelway.errors import PlanError
from keelway.model.history import DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.history_line import parse_history_line
from keelway.tags.template import calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keelway.config import EnvironmentConfig

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_GOOD = frozenset({DeliveryOutcome.SUCCEEDED})
_MOVES = frozenset({DeliveryEvent.DEPLOY, DeliveryEvent.ROLLBACK, DeliveryEvent.RELEASE})


def read_histories(texts: Mapping[str, str], rollbacks: int) -> dict[str, str]:
    """Return what histories say must stay, by digest, with the reasons.

    For each environment and target that is what was deployed last, so many versions that it may go
    back to, and whatever was begun since.

    Args:
        texts: By name of the file: `deployment_history.log`, or what `keelway history --json`
            printed.
        rollbacks: How many versions stay beside the one that runs.

    Raises:
        PlanError: A file is no history.
    """
    places: dict[tuple[str, str], list[HistoryEntry]] = {}
    for name, text in texts.items():
        for entry in _entries(name, text):
            place = (entry.environment, entry.target or "")
            if entry.event in _MOVES:
                places.setdefault(place, []).append(entry)
    found: dict[str, str] = {}
    for (environment, target), entries in places.items():
        where = f"{environment} ({target})" if target else environment
        for digest, running in _needed(entries, rollbacks).items():
            reason = f"runs in {where}" if running else f"a rollback of {where} needs it"
            found.setdefault(digest, reason)
    return found


def read_keep_list(name: str, text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return digests and references by tag that a list names, with the reasons.

    A line is a digest, or an image by digest or tag; what follows `#` is a comment.

    Args:
        name: The file, for the reasons.
        text: What is in it.
    """
    digests: dict[str, str] = {}
    tags: dict[str, str] = {}
    for line in text.splitlines():
        for word in line.partition("#")[0].split():
            found = _DIGEST.search(word)
            if found is not None:
                digests[found[0]] = f"{name} lists it"
            else:
                tags[word] = f"{name} lists it"
    return digests, tags


def environment_tags(environments: Mapping[str, EnvironmentConfig]) -> dict[str, str]:
    """Return the tags that name what environments have now, with the reasons."""
    return {
        rule: f"it is what {name} has"
        for name, environment in environments.items()
        for rule in environment.tags
        if "=" not in rule and not calls(rule)
    }


def _needed(entries: Sequence[HistoryEntry], rollbacks: int) -> dict[str, bool]:
    """Return what is needed of one place, and whether it runs there."""
    found: dict[str, bool] = {}
    good: list[frozenset[str]] = []
    for entry in sorted(entries, key=lambda one: one.at, reverse=True):
        digests = frozenset(
            named[0] for image in entry.images.values() if (named := _DIGEST.search(image))
        )
        for digest in digests:
            found.setdefault(digest, not good)
        if entry.outcome in _GOOD and digests not in good:
            good.append(digests)
        if len(good) > rollbacks:
            break
    return found


def _entries(name: str, text: str) -> Iterator[HistoryEntry]:
    """Yield the entries of a file: one a line, or a document that holds them."""
    try:
        document = json.loads(text)
    except ValueError:
        yield from _lines(name, text)
        return
    objects = list(_objects(name, document))
    if not objects and text.strip() not in {"[]", ""}:
        raise _no_history(name, "it has no entry")
    yield from objects


def _lines(name: str, text: str) -> Iterator[HistoryEntry]:
    lines = [line for line in text.split("\n") if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            yield parse_history_line(line)
        except ValueError as error:
            # A crash may tear the last line; anything else is another kind of file.
            if number == len(lines) and number > 1:
                continue
            raise _no_history(name, f"line {number}: {error}") from error


def _objects(name: str, document: object) -> Iterator[HistoryEntry]:
    """Yield the entries in a document, wherever they stand in it."""
    if isinstance(document, dict):
        found = cast("Mapping[str, Any]", document)
        if "actor" in found and "outcome" in found:
            try:
                yield parse_history_line(json.dumps(found))
            except ValueError as error:
                raise _no_history(name, str(error)) from error
            return
        for value in found.values():
            yield from _objects(name, value)
    elif isinstance(document, list):
        for value in cast("list[object]", document):
            yield from _objects(name, value)


def _no_history(name: str, why: str) -> PlanError:
    return PlanError(
        f"{name} is no history of deployments",
        why=why,
        next_step="give a deployment_history.log, or what `keelway history --json` printed",
    )

"""The plan as a file: TOML that a person reads, may shorten, and gives to `apply`. Pure."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from keelway.errors import PlanError
from keelway.model.image import Digest
from keelway.model.retention import Doomed, Kept, Part, RepositoryPlan, RetentionPlan
from keelway.policy.budget import shown_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keelway.model.retention import RetentionResult

SCHEMA = "keelway.retention/1"
RESULT_SCHEMA = "keelway.retention-result/1"
_HEAD = """\
# What `keelway retention apply` deletes from registries, and what it keeps.
# A [[repository.delete]] that is taken out of this file is not deleted; nothing is deleted that is
# not in it, and nothing that something else needs by then.
"""
_DigestText = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Part(_Written):
    digest: _DigestText
    kind: str = ""
    tags: tuple[str, ...] = ()


class _Entry(_Written):
    digest: _DigestText
    tags: tuple[str, ...] = ()
    size: str = ""
    size_bytes: int = 0
    age: str = ""
    reason: str = ""
    with_it: tuple[_Part, ...] = ()


class _Repository(_Written):
    name: str
    freed_bytes: int = 0
    notes: tuple[str, ...] = ()
    delete: tuple[_Entry, ...] = ()
    keep: tuple[_Entry, ...] = ()


class _File(_Written):
    schema_: str
    made_at: datetime
    repository: tuple[_Repository, ...] = ()


def plan_text(plan: RetentionPlan) -> str:
    """Return the plan as a file."""
    return "\n".join([_HEAD, *_lines(plan)]) + "\n"


def parse_plan(text: str, name: str) -> RetentionPlan:
    """Return the plan in a file.

    Args:
        text: What is in it.
        name: The file, for errors.

    Raises:
        PlanError: It is none.
    """
    try:
        document = tomllib.loads(text)
        if document.get("schema") != SCHEMA:
            raise _no_plan(name, f"its schema is {document.get('schema')!r}, not {SCHEMA!r}")
        written = _File.model_validate({**_renamed(document)})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise _no_plan(name, str(error)) from error
    made_at = written.made_at
    return RetentionPlan(
        made_at=made_at.replace(tzinfo=UTC) if made_at.tzinfo is None else made_at.astimezone(UTC),
        repositories=tuple(_read(one) for one in written.repository),
    )


def plan_data(plan: RetentionPlan) -> dict[str, Any]:
    """Return the plan for programs."""
    return {
        "schema": SCHEMA,
        "made_at": plan.made_at.isoformat(),
        "repositories": [
            {
                "name": one.repository,
                "freed_bytes": one.freed_bytes,
                "notes": list(one.notes),
                "delete": [
                    {
                        **_data(entry),
                        "with": [
                            {"digest": part.digest, "kind": part.kind, "tags": list(part.tags)}
                            for part in entry.parts
                        ],
                    }
                    for entry in one.delete
                ],
                "keep": [_data(entry) for entry in one.keep],
            }
            for one in plan.repositories
        ],
    }


def result_data(result: RetentionResult) -> dict[str, Any]:
    """Return what was done of a plan, for programs and people."""
    return {
        "schema": RESULT_SCHEMA,
        "began_at": result.began_at.isoformat(),
        "ended_at": result.ended_at.isoformat(),
        "complete": result.complete,
        "digests": [
            {
                "repository": one.repository,
                "digest": one.digest,
                "tags": list(one.tags),
                "outcome": one.outcome.value,
                **({} if one.why is None else {"why": one.why}),
            }
            for one in result.done
        ],
    }


def _lines(plan: RetentionPlan) -> Iterator[str]:
    yield f"schema = {_text(SCHEMA)}"
    yield f"made_at = {plan.made_at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}"
    for one in plan.repositories:
        yield ""
        yield (
            f"# {len(one.delete)} to delete, {len(one.keep)} to keep, "
            f"{shown_size(one.freed_bytes)} less"
        )
        yield "[[repository]]"
        yield f"name = {_text(one.repository)}"
        yield f"freed_bytes = {one.freed_bytes}"
        if one.notes:
            yield f"notes = [{', '.join(map(_text, one.notes))}]"
        for doomed in one.delete:
            yield from _entry("delete", doomed)
            if doomed.parts:
                yield "with = ["
                for part in doomed.parts:
                    tags = f", tags = {_tags(part.tags)}" if part.tags else ""
                    yield f"  {{ digest = {_text(part.digest)}, kind = {_text(part.kind)}{tags} }},"
                yield "]"
        for kept in one.keep:
            yield from _entry("keep", kept)


def _entry(table: str, entry: Doomed | Kept) -> Iterator[str]:
    yield ""
    yield f"[[repository.{table}]]"
    yield f"digest = {_text(entry.digest)}"
    yield f"tags = {_tags(entry.tags)}"
    yield f"size = {_text(shown_size(entry.size_bytes))}"
    yield f"age = {_text(entry.age)}"
    yield f"reason = {_text(entry.reason)}"


def _read(one: _Repository) -> RepositoryPlan:
    return RepositoryPlan(
        repository=one.name,
        delete=tuple(
            Doomed(
                digest=Digest(entry.digest),
                tags=entry.tags,
                parts=tuple(
                    Part(digest=Digest(part.digest), kind=part.kind, tags=part.tags)
                    for part in entry.with_it
                ),
                size_bytes=entry.size_bytes,
                age=entry.age,
                reason=entry.reason,
            )
            for entry in one.delete
        ),
        keep=tuple(
            Kept(
                digest=Digest(entry.digest),
                tags=entry.tags,
                size_bytes=entry.size_bytes,
                age=entry.age,
                reason=entry.reason,
            )
            for entry in one.keep
        ),
        freed_bytes=one.freed_bytes,
        notes=one.notes,
    )


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with keys that Python's names may have."""
    renamed = {**document, "schema_": document["schema"]}
    del renamed["schema"]
    for repository in renamed.get("repository", ()):
        for entry in repository.get("delete", ()):
            if "with" in entry:
                entry["with_it"] = entry.pop("with")
    return renamed


def _data(entry: Doomed | Kept) -> dict[str, Any]:
    return {
        "digest": entry.digest,
        "tags": list(entry.tags),
        "size_bytes": entry.size_bytes,
        "age": entry.age,
        "reason": entry.reason,
    }


def _tags(tags: tuple[str, ...]) -> str:
    return f"[{', '.join(map(_text, tags))}]"


def _text(value: str) -> str:
    # A TOML basic string is a JSON one, but for DEL, which must be escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _no_plan(name: str, why: str) -> PlanError:
    return PlanError(
        f"{name} is no plan of `keelway retention plan`",
        why=why,
        next_step="make a new one: keelway retention plan --out FILE",
    )

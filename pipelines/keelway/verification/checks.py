"""What an image must show, held against the statements whose signatures were good. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from keelway.model.evidence import PredicateType, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SBOMS = {"spdx": PredicateType.SPDX, "cyclonedx": PredicateType.CYCLONEDX}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What is asked of an image."""

    source: str | None = None
    """Repository that the provenance must name."""
    builders: tuple[str, ...] = ()
    """Who may have built it; anybody when empty."""
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    """External parameters of the provenance, with their values."""
    sboms: tuple[str, ...] = ("spdx",)
    """`spdx`, `cyclonedx`: asked of each platform, and of an image that stands alone."""
    max_scan_age_days: int | None = 30
    attested: bool = True
    """Whether statements are asked for at all, beside the signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What good signatures say of one digest."""

    subject: Subject
    signed: bool
    """Whether a signature says "this digest is ours"."""
    statements: tuple[Mapping[str, Any], ...]
    """In-toto statements about this very digest."""
    refused: tuple[str, ...] = ()
    """Evidence that does not count, and why."""

    def predicates(self, kind: PredicateType) -> list[Mapping[str, Any]]:
        """Return what the statements of a type say; a version in the type's address may follow."""
        return [
            statement["predicate"]
            for statement in self.statements
            if _is(str(statement["predicateType"]), kind)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was asked, and the answer on one line."""

    name: str
    subject: str
    """`index`, the platform, or `image` for a manifest that no index lists."""
    passed: bool
    text: str


def check(proved: Sequence[Proved], demands: Demands, *, today: datetime) -> tuple[Check, ...]:
    """Return all that was asked of an image, in the order of its digests.

    Args:
        proved: What good signatures say, the index first.
        demands: What is asked.
        today: The moment by which ages are counted.
    """
    # An index is asked for what concerns all platforms, a manifest that stands alone for all.
    lists = len(proved) > 1
    return tuple(
        one
        for found in proved
        for one in _checks(found, demands, today, whole=lists and found.subject.platform is None)
    )


def _checks(found: Proved, demands: Demands, today: datetime, *, whole: bool) -> Iterator[Check]:
    where = "index" if whole else found.subject.platform or "image"
    yield _signature(found, where)
    if not demands.attested:
        return
    yield _provenance(found, demands, where)
    yield _summary(found, where)
    yield _tests(found, where)
    if not whole:
        for name in demands.sboms:
            there = bool(found.predicates(_SBOMS[name]))
            text = "is attested" if there else f"no {name} document is attested"
            yield Check(name=f"sbom {name}", subject=where, passed=there, text=text)
        if demands.max_scan_age_days is not None:
            yield _scan(found, timedelta(days=demands.max_scan_age_days), today, where)


def _signature(found: Proved, where: str) -> Check:
    if found.signed:
        return Check(name="signature", subject=where, passed=True, text="is good")
    why = f" ({found.refused[0]})" if found.refused else ""
    text = f"none that counts: the image may be anybody's{why}"
    return Check(name="signature", subject=where, passed=False, text=text)


def _provenance(found: Proved, demands: Demands, where: str) -> Check:
    said = found.predicates(PredicateType.PROVENANCE)
    if not said:
        text = "is not attested: nobody says where it was built, and from what"
        return Check(name="provenance", subject=where, passed=False, text=text)
    objections = [_objection(one, demands) for one in said]
    if None in objections:
        builder = _builder(said[objections.index(None)])
        return Check(name="provenance", subject=where, passed=True, text=f"built by {builder}")
    return Check(name="provenance", subject=where, passed=False, text=objections[0] or "")


def _objection(said: Mapping[str, Any], demands: Demands) -> str | None:
    """Return what is wrong with a provenance; nothing when it is as asked."""
    if demands.builders and _builder(said) not in demands.builders:
        return f"it was built by {_builder(said)}, which is none of those that may"
    definition = _object(said, "buildDefinition")
    if demands.source is not None:
        listed: Sequence[Mapping[str, Any]] = definition.get("resolvedDependencies") or ()
        sources = [str(part.get("uri")) for part in listed]
        if not any(_same_source(uri, demands.source) for uri in sources):
            named = next((uri for uri in sources if uri.startswith("git+")), "no repository")
            return f"its source is {named}, not {demands.source}"
    given = _object(definition, "externalParameters")
    for key, value in demands.parameters.items():
        if str(given.get(key)) != value:
            return f"its parameter {key} is {given.get(key)!r}, not {value!r}"
    return None


def _builder(said: Mapping[str, Any]) -> str:
    return str(_object(_object(said, "runDetails"), "builder").get("id", "nobody"))


def _object(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under a key; an empty one where there is none, or something else."""
    found = said.get(key)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _same_source(uri: str, wanted: str) -> bool:
    plain = uri.removeprefix("git+").partition("@")[0].removesuffix(".git").rstrip("/")
    return plain == wanted.removeprefix("git+").removesuffix(".git").rstrip("/")


def _summary(found: Proved, where: str) -> Check:
    said = found.predicates(PredicateType.VERIFICATION_SUMMARY)
    if any(one.get("verificationResult") == "PASSED" for one in said):
        return Check(name="verdict", subject=where, passed=True, text="the gate passed it")
    text = "the gate did not pass it" if said else "no verdict of the gate is attested"
    return Check(name="verdict", subject=where, passed=False, text=text)


def _tests(found: Proved, where: str) -> Check:
    said = found.predicates(PredicateType.TEST_RESULT)
    if not said:
        text = "no result of the policy is attested"
        return Check(name="policy", subject=where, passed=False, text=text)
    failed = [name for one in said for name in one.get("failedTests") or ()]
    if failed or any(one.get("result") == "FAILED" for one in said):
        text = f"failed: {', '.join(failed) or 'it does not say what'}"
        return Check(name="policy", subject=where, passed=False, text=text)
    return Check(name="policy", subject=where, passed=True, text="passed")


def _scan(found: Proved, limit: timedelta, today: datetime, where: str) -> Check:
    said = found.predicates(PredicateType.VULNERABILITIES)
    times = [when for one in said if (when := _scanned_at(one)) is not None]
    if not times:
        text = "no scan is attested" if said == [] else "the scan does not say when it was"
        return Check(name="scan", subject=where, passed=False, text=text)
    age = today - max(times)
    days = max(age.days, 0)
    if age > limit:
        text = f"is {days} days old, {limit.days} are allowed: scan it again"
        return Check(name="scan", subject=where, passed=False, text=text)
    return Check(name="scan", subject=where, passed=True, text=f"is {days} days old")


def _scanned_at(said: Mapping[str, Any]) -> datetime | None:
    """Return when the scan knew what it knew: its database's time, else its own end."""
    database = _object(_object(said, "scanner"), "db").get("lastUpdate")
    ended = _object(said, "metadata").get("scanFinishedOn")
    for text in (database, ended):
        if text:
            try:
                return datetime.fromisoformat(str(text)).astimezone(UTC)
            except ValueError:
                continue
    return None


def _is(kind: str, wanted: PredicateType) -> bool:
    return kind == wanted.value or kind.startswith(f"{wanted.value}/v")

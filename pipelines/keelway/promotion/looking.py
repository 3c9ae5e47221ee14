"""What a promotion finds: the image, what it is called, and what each repository has now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.errors import RegistryError
from keelway.evidence.predicates.promotion import newest
from keelway.model.history import DeliveryEvent, DeliveryOutcome, HistoryEntry
from keelway.model.promotion import PromotionRecord, TagChange
from keelway.promotion.deciding import check_age, check_order, names_in
from keelway.promotion.reading import signed_records
from keelway.promotion.tagging import tagged
from keelway.registry.describing import describe
from keelway.registry.listing import list_tags
from keelway.verification.verify import refusal, verify_manifest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from keelway.promotion.deciding import EnvironmentNames
    from keelway.promotion.reading import Reader
    from keelway.promotion.spec import PromoteSpec
    from keelway.registry.client import Repository
    from keelway.registry.content import Manifest
    from keelway.registry.describing import Described
    from keelway.registry.logins import Login
    from keelway.verification.verify import Verification

    FindLogin = Callable[[str], Awaitable[Login | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image that may go to the environment: it is verified, and has been where it must."""

    manifest: Manifest
    described: Described
    names: EnvironmentNames
    verification: Verification
    been: str | None
    """How it has been in the environment before, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one repository has before anything is written."""

    repository: Repository
    there: bool
    """Whether it has the image."""
    tags: tuple[TagChange, ...]
    own: tuple[PromotionRecord, ...]
    """The records beside the image."""
    holders: Mapping[str, Described]
    """What else the tags name, by tag."""
    newest_other: datetime | None
    """When the newest of those was promoted."""

    def needs(self, record: PromotionRecord, *, signing: bool) -> bool:
        """Return whether the record is missing here; an unsigned one does where nobody signs."""
        return not any(
            one.entry.environment == record.entry.environment
            and one.entry.at >= record.entry.at
            and (one.signed or not signing)
            for one in self.own
        )

    @property
    def moving(self) -> tuple[str, ...]:
        """Return the tags that are to name the image."""
        return tuple(one.tag for one in self.tags if one.held is None)


async def examine(spec: PromoteSpec, opened: Repository) -> Candidate:
    """Return the image, once it is shown that it may be promoted.

    Args:
        spec: What is asked for.
        opened: The repository that it is in.

    Raises:
        GateError: It does not verify, or has not been where it must.
        PlanError: No tag of the environment fits it.
        RegistryError: It is not there, or the registry refuses.
    """
    reference = spec.source.digest or spec.source.tag or "latest"
    manifest = await opened.manifest(reference)
    verification = await verify_manifest(opened, manifest, spec.order.image, spec.verify)
    if not verification.passed:
        raise refusal(verification)
    described = await describe(opened, manifest)
    been = None
    if spec.after is not None:
        asked = names_in(spec.after, described, spec.published, sha_length=spec.sha_length).tags
        been = check_order(
            described,
            spec.after,
            spec.environment.name,
            records=signed_records(verification.proved[0]),
            tagged=await tagged(opened, asked),
        )
    return Candidate(
        manifest=manifest,
        described=described,
        names=names_in(spec.environment, described, spec.published, sha_length=spec.sha_length),
        verification=verification,
        been=been,
    )


async def look_everywhere(
    candidate: Candidate,
    environment: str,
    repositories: Sequence[Repository],
    reader: Reader,
    find_login: FindLogin,
) -> tuple[list[Standing], dict[str, RegistryError]]:
    """Return what repositories have before anything is written, and those that cannot be asked.

    Args:
        candidate: The image.
        environment: Where it goes.
        repositories: The repositories, open.
        reader: Reads records.
        find_login: Tells whom to log in as.

    Raises:
        PlanError: A login or the key cannot be read.
    """
    failed: dict[str, RegistryError] = {}

    async def one(repository: Repository) -> Standing | None:
        try:
            login = await find_login(repository.name)
            present = await list_tags(repository.name, login=login, stage="promote")
            return await _look(candidate, environment, repository, present, reader)
        except RegistryError as error:
            failed[repository.name] = error
            return None

    found = await each(one, repositories)
    return [standing for standing in found if standing is not None], failed


async def _look(
    candidate: Candidate,
    environment: str,
    repository: Repository,
    present: Sequence[str],
    reader: Reader,
) -> Standing:
    """Return what a repository, which has these tags, has before anything is written."""
    digest = candidate.manifest.digest
    held = {one.tag: one.reason for one in candidate.names.held(present)}
    named = await tagged(repository, candidate.names.tags)
    holders: dict[str, Described] = {}
    latest: datetime | None = None
    for tag, other in named.items():
        if other is None or other == digest or tag in held:
            continue
        holders[tag] = await describe(repository, await repository.manifest(other))
        record = newest(await reader.records(repository, other), environment)
        if record is not None:
            latest = max(latest or record.entry.at, record.entry.at)
    there = await repository.find(digest) is not None
    return Standing(
        repository=repository,
        there=there,
        tags=tuple(
            TagChange(tag=tag, before=before, held=held.get(tag)) for tag, before in named.items()
        ),
        own=await reader.records(repository, digest) if there else (),
        holders=holders,
        newest_other=latest,
    )


def decide_age(spec: PromoteSpec, candidate: Candidate, standings: Sequence[Standing]) -> list[str]:
    """Return what there is to say about newer images that lose their tags.

    Raises:
        GateError: One of them is newer, and nobody said why it may go.
    """
    floating = {one.tag for one in candidate.names.floating}
    holders = {
        f"{one.repository.name}:{tag}": other
        for one in standings
        for tag, other in one.holders.items()
        if tag not in floating
    }
    allowed = spec.order.allow_older
    return list(check_age(candidate.described, holders, spec.environment.name, allowed))


def record_of(
    spec: PromoteSpec,
    candidate: Candidate,
    standings: Sequence[Standing],
    *,
    now: datetime,
) -> PromotionRecord:
    """Return the record of this promotion: the one that is there, if it was not overtaken since.

    Its time is later than that of whatever has the tags now, also where clocks differ: the newer
    record is the one that counts.

    Args:
        spec: What is asked for.
        candidate: The image.
        standings: What the repositories have.
        now: The time.
    """
    own = newest([one for some in standings for one in some.own], spec.environment.name)
    others = [one.newest_other for one in standings if one.newest_other is not None]
    last = max(others, default=None)
    if own is not None and (last is None or own.entry.at > last):
        return own
    at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    if last is not None and at <= last:
        at = last + timedelta(milliseconds=1)
    return _new_record(spec, candidate, standings, at)


def _new_record(
    spec: PromoteSpec, candidate: Candidate, standings: Sequence[Standing], at: datetime
) -> PromotionRecord:
    digest = candidate.manifest.digest
    source = spec.source
    entry = HistoryEntry(
        at=at,
        event=DeliveryEvent.PROMOTE,
        outcome=DeliveryOutcome.SUCCEEDED,
        project=spec.project,
        environment=spec.environment.name,
        version=candidate.described.version or source.tag or str(digest),
        images={spec.image: f"{spec.repositories[0]}@{digest}"},
        evidence=_evidence(candidate),
        actor=spec.order.actor,
        replaced=_replaced(standings),
        reason=spec.order.allow_older,
    )
    return PromotionRecord(
        entry=entry,
        digest=digest,
        tags=candidate.names.tags,
        source=str(replace(source, digest=str(digest))),
        after=None if spec.after is None else spec.after.name,
        approvals=spec.approvals,
        signed=spec.signer is not None,
    )


def _evidence(candidate: Candidate) -> tuple[str, ...]:
    been = () if candidate.been is None else (f"order: {candidate.been}",)
    checks = candidate.verification.checks
    return (*been, *(f"{one.name} ({one.subject}): {one.text}" for one in checks))


def _replaced(standings: Sequence[Standing]) -> str | None:
    for standing in standings:
        for holder in standing.holders.values():
            return holder.version or str(holder.digest)
    return None

"""Give a published digest the next environment's tags, after its evidence verified.

Nothing is built: the image is resolved to its digest once, and that digest is what is verified,
recorded and tagged, in every registry. First the record is kept beside the image (who, when, from
where), then the tags are moved; done again it changes nothing, and after a failure only what is
missing is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway._registries import delivery_keyring
from keelway._stage import Run, stage
from keelway._together import each
from keelway._tools.cosign import COSIGN
from keelway.errors import PublishError, RegistryError
from keelway.evidence.keeping import keep_attestation, keep_referrer
from keelway.evidence.predicates.promotion import predicate_of
from keelway.evidence.repositories import open_repositories
from keelway.evidence.signer import open_signer
from keelway.evidence.statement import statement_text
from keelway.model.evidence import Layout, PredicateType, Statement
from keelway.model.promotion import PromotedRepository, Promotion, PromotionRecord
from keelway.promotion.looking import decide_age, examine, look_everywhere, record_of
from keelway.promotion.reading import Reader, keep_record_unsigned, subject_in
from keelway.promotion.tagging import Tagging
from keelway.registry.copying import copy_image

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from keelway.evidence.signer import Signer
    from keelway.promotion.looking import Candidate, Standing
    from keelway.promotion.spec import PromoteSpec
    from keelway.registry.client import Repository

TOOLS = (COSIGN,)
_STAGE = "promote"


@stage(_STAGE)
async def promote(
    run: Run, spec: PromoteSpec, *, signing: Callable[[], Awaitable[Run]] | None = None
) -> Promotion:
    """Return what is called what now.

    Args:
        run: The run.
        spec: What is promoted where, and what it must show before.
        signing: Gives the run that signs a new record, asked once there is one; `run` itself does
            where this is absent. Nothing else needs an engine, unless a secret is in a store.

    Raises:
        GateError: The image does not verify, has not been where it must, or is older than what is
            there.
        PlanError: No tag of the environment fits it, or a secret cannot be read.
        PublishError: Some registry did not take it; the others have it.
        RegistryError: The image is not there, or a registry cannot be looked at.
        ToolError: The record cannot be signed.
    """
    find = delivery_keyring(run, registries=spec.registries, files=spec.login_files).find
    names = (spec.source.repository, *spec.repositories)
    async with open_repositories(names, find, stage=_STAGE) as repositories:
        source = repositories[spec.source.repository]
        targets = [repositories[name] for name in spec.repositories]
        candidate = await examine(spec, source)
        reader = Reader(spec.verify)
        standings, failed = await look_everywhere(
            candidate, spec.environment.name, targets, reader, find
        )
        notes = decide_age(spec, candidate, standings)
        record = record_of(spec, candidate, standings, now=run.clock.now())
        work = _Work(
            run=run,
            spec=spec,
            candidate=candidate,
            record=record,
            reader=reader,
            signing=signing,
        )
        if spec.signer is None:
            notes.append("[sign] is not enabled: the record is kept without a signature")
        if spec.order.dry_run:
            done = tuple(work.expected(one) for one in standings)
        else:
            done = await work.carry_out(standings, source, failed)
    if failed:
        raise work.partial(done, failed)
    notes += [f"no tag by {one}" for one in candidate.names.unused]
    return work.result(done, notes)


@dataclass(frozen=True, slots=True)
class _Hand:
    """Who signs, and the run that it is done with."""

    run: Run
    signer: Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One promotion, decided."""

    run: Run
    spec: PromoteSpec
    candidate: Candidate
    record: PromotionRecord
    reader: Reader
    signing: Callable[[], Awaitable[Run]] | None

    def expected(self, standing: Standing) -> PromotedRepository:
        """Return what would come of it in a repository."""
        signing = self.spec.signer is not None
        return PromotedRepository(
            repository=standing.repository.name,
            tags=standing.tags,
            copied=not standing.there,
            recorded=standing.needs(self.record, signing=signing),
        )

    async def carry_out(
        self,
        standings: Sequence[Standing],
        source: Repository,
        failed: dict[str, RegistryError],
    ) -> tuple[PromotedRepository, ...]:
        """Do it in each repository; what fails is put among the failed, the others are done."""
        signing = self.spec.signer is not None
        missing = any(one.needs(self.record, signing=signing) for one in standings)
        hand = await self._hand() if missing else None
        done: list[PromotedRepository] = []

        async def one(standing: Standing) -> None:
            try:
                done.append(await self._promote(standing, source, hand))
            except RegistryError as error:
                failed[standing.repository.name] = error

        # The source's own goes first: what is copied from there brings the record with it.
        for standing in standings[:1]:
            await one(standing)
        await each(one, standings[1:])
        return tuple(done)

    async def _promote(
        self, standing: Standing, source: Repository, hand: _Hand | None
    ) -> PromotedRepository:
        repository = standing.repository
        copied = False
        if repository.name != source.name:
            brought = await copy_image(source, repository, self.candidate.manifest.digest)
            copied = brought.changed
            own = await self.reader.records(repository, brought.digest)
            standing = replace(standing, own=own)
        recorded = standing.needs(self.record, signing=self.spec.signer is not None)
        if recorded:
            await self._keep(repository, hand)
        tagging = Tagging(
            repository=repository,
            manifest=self.candidate.manifest,
            record=self.record,
            reader=self.reader,
        )
        await tagging.move(standing.moving)
        for tag in standing.moving:
            self.run.say(_STAGE, f"{repository.name}:{tag}@{self.candidate.manifest.digest}")
        return PromotedRepository(
            repository=repository.name, tags=standing.tags, copied=copied, recorded=recorded
        )

    async def _hand(self) -> _Hand | None:
        if self.spec.signer is None:
            return None
        run = self.run if self.signing is None else await self.signing()
        return _Hand(run, await open_signer(run, self.spec.signer, stage=_STAGE))

    async def _keep(self, repository: Repository, hand: _Hand | None) -> None:
        """Keep the record beside the image, signed where somebody signs."""
        if hand is None:
            await keep_record_unsigned(repository, self.record)
            return
        kind = PredicateType.PROMOTION
        subject = subject_in(repository, self.record.digest)
        said = Statement(subject=subject, predicate_type=kind, predicate=predicate_of(self.record))
        doing = f"recording the promotion to {self.spec.environment.name}"
        bundle = await hand.signer.attest(hand.run, statement_text(said), doing=doing)
        epoch = int(self.record.entry.at.timestamp())
        for layout in self.spec.layouts:
            if layout is Layout.REFERRER:
                await keep_referrer(repository, subject, bundle, kind, epoch)
            else:
                await keep_attestation(repository, subject, bundle, kind)

    def partial(
        self, done: tuple[PromotedRepository, ...], failed: Mapping[str, RegistryError]
    ) -> PublishError:
        """Return the error for what is not done everywhere."""
        first = next(iter(failed))
        return PublishError(
            f"{self.spec.order.image} is not in {self.spec.environment.name} everywhere: "
            f"{first} failed",
            failed=[f"{name}: {_told(error)}" for name, error in failed.items()],
            done=[one.repository for one in done],
            partial=self.result(done, []),
            next_step="correct what failed and promote again: only what is missing is done",
            stage=_STAGE,
        )

    def result(self, done: tuple[PromotedRepository, ...], notes: list[str]) -> Promotion:
        """Return what came of it."""
        return Promotion(
            image=self.spec.order.image,
            digest=self.candidate.manifest.digest,
            record=self.record,
            repositories=done,
            notes=tuple(notes),
            dry_run=self.spec.order.dry_run,
        )


def _told(error: RegistryError) -> str:
    return f"{error.message}{'' if error.why is None else f' ({error.why})'}"

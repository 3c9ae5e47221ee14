"""A lost image built again from its commit, and held against the digest that it had.

The proof is the digest alone: where it is the same the image is the same, with all that was signed
about it. Nothing is judged again, and nothing is signed.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keelway._stage import Run
from keelway.config import load_config
from keelway.config.narrow import narrow
from keelway.errors import KeelwayError, PlanError, StageError
from keelway.evidence.finding import find_evidence
from keelway.facts import gather_facts
from keelway.flow import verify
from keelway.model.evidence import PredicateType, Subject
from keelway.model.outcome import Skipped
from keelway.planning import known_programs, plan_release
from keelway.recovery.checkout import checked_out
from keelway.recovery.difference import differences
from keelway.registry.client import open_repository
from keelway.session import open_session
from keelway.stages.publish import publish
from keelway.verification.verify import about

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from keelway.evidence.finding import Found
    from keelway.model.engine_choice import EngineChoice
    from keelway.model.events import Observer
    from keelway.model.image import Digest
    from keelway.planning import Part, Plan
    from keelway.registry.logins import Login
    from keelway.stages.publish import PublishSpec

    FindLogin = Callable[[str], Awaitable[Login | None]]

_STAGE = "rebuild"
_REASON = "an image is rebuilt as it was"
_LEFT_OUT: tuple[Part, ...] = ("policy", "scan", "sbom", "integration", "load", "sign", "attest")
_NAME_LENGTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildOrder:
    """Which image is rebuilt, of which commit."""

    name: str
    """The image's name in the configuration."""
    repository: str
    """Where it is, or was: `host[:port]/path`."""
    digest: Digest | None
    """What it must come to; the one that `tag` names when absent."""
    tag: str | None
    """What names it again."""
    commit: str | None
    """The commit; the one that its provenance names when absent."""
    branch: str | None
    """What it was released as, if not as the branch that has the commit."""
    registry: str
    """Prefix of the registry that it is put into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """An image that is what it was."""

    repository: str
    digest: Digest
    commit: str
    tags: tuple[str, ...]


async def rebuild(  # noqa: PLR0913 - the order, and by name what surrounds it
    order: RebuildOrder,
    *,
    root: Path,
    file: str,
    environ: Mapping[str, str],
    find_login: FindLogin,
    engine: EngineChoice,
    observer: Observer,
) -> Rebuilt:
    """Build an image again, publish it, and return it where it has the digest that it had.

    Args:
        order: Which image.
        root: Where the configuration is, in the repository that has the commit.
        file: The configuration's file name.
        environ: The environment.
        find_login: Tells whom to log in as.
        engine: What does the work.
        observer: Who hears how it goes.

    Raises:
        PlanError: Nobody says which commit or digest it is, or the commit is not here.
        StageError: It is another image: the build is not reproducible, or its inputs moved.
        PublishError: The registry does not take it.
    """
    wanted, commit = await _known(order, find_login)
    tag = f"rebuilt-{wanted.partition(':')[2][:_NAME_LENGTH]}"
    environ = {**environ, "KEELWAY_CI": "none"}  # what the job is for is another commit
    async with checked_out(root, commit, order.branch) as place:
        plan, spec = _plan(order, place, file, environ)
        async with open_session(engine, observer) as session:
            run = Run(session.client, observer)
            verified = await verify(run, plan.verify)
            done = await publish(run, replace(spec, tags=(tag,)), verified)
    (image,) = done.images
    repository = image.tags[0].repository
    async with open_repository(
        repository, login=await find_login(repository), stage=_STAGE
    ) as opened:
        if image.digest != wanted:
            raise await _another(order, wanted, image.tags[0].reference, find_login)
        if order.tag is not None:
            await opened.put_tag(order.tag, wanted)
    tag = image.tags[0].tag
    tags = (tag,) if order.tag is None else (order.tag, tag)
    return Rebuilt(repository=repository, digest=wanted, commit=commit, tags=tags)


def _plan(
    order: RebuildOrder, place: Path, file: str, environ: Mapping[str, str]
) -> tuple[Plan, PublishSpec]:
    """Return what is built, and where it is put.

    Raises:
        PlanError: The commit has no such image, or publishes none.
    """
    loaded = load_config(place, place / file)
    loaded = replace(loaded, config=narrow(loaded.config, images=(order.name,)))
    facts = gather_facts(loaded, environ, known_programs(), compose=False)
    plan = plan_release(loaded.config, facts, without=dict.fromkeys(_LEFT_OUT, _REASON))
    if isinstance(plan.deliver, Skipped):
        raise PlanError(f"the commit is not published: {plan.deliver.reason}")
    spec = plan.deliver.publish
    chosen = tuple(one for one in spec.registries if one.url == order.registry)
    if not chosen:
        known = ", ".join(one.url for one in spec.registries)
        raise PlanError(
            f"the commit knows no registry {order.registry}", next_step=f"known: {known}"
        )
    return plan, replace(spec, registries=chosen, moving=())


async def _known(order: RebuildOrder, find_login: FindLogin) -> tuple[Digest, str]:
    """Return what it must come to, and the commit.

    Raises:
        PlanError: Nobody says.
    """
    digest, commit = order.digest, order.commit
    if digest is None or commit is None:
        try:
            async with open_repository(
                order.repository, login=await find_login(order.repository), stage=_STAGE
            ) as opened:
                found = await opened.manifest(digest or order.tag or "latest")
                digest = found.digest
                evidence = await find_evidence(opened, digest)
        except StageError as error:
            raise PlanError(
                f"{order.repository} does not tell what the image was",
                why=error.message,
                next_step="name it by its digest, and give --commit",
            ) from error
        commit = commit or _commit(_subject(order, digest), evidence)
    if commit is None:
        raise PlanError(
            f"no provenance of {order.repository}@{digest} names a commit",
            next_step="give --commit",
        )
    return digest, commit


def _subject(order: RebuildOrder, digest: Digest) -> Subject:
    return Subject(image=order.name, platform=None, digest=digest, repositories=(order.repository,))


def _commit(subject: Subject, evidence: Found) -> str | None:
    """Return the commit of a provenance; who signed it needs no proof, as the digest is one."""
    envelopes = [one.bundle.envelope for one in evidence.bundles]
    envelopes += [one.envelope for one in evidence.envelopes]
    for envelope in envelopes:
        statement = about(subject, envelope)
        if statement is None:
            continue
        if not str(statement["predicateType"]).startswith(PredicateType.PROVENANCE.value):
            continue
        definition: Mapping[str, Any] = statement["predicate"].get("buildDefinition") or {}
        parts: Sequence[Mapping[str, Any]] = definition.get("resolvedDependencies") or ()
        for part in parts:
            digests: Mapping[str, Any] = part.get("digest") or {}
            commit = digests.get("gitCommit")
            if commit:
                return str(commit)
    return None


async def _another(
    order: RebuildOrder, wanted: Digest, built: str, find_login: FindLogin
) -> StageError:
    """Return the error for an image that came out as another one, with what differs."""
    new, _, found = built.partition("@")
    repository = new.rpartition(":")[0]
    lines: tuple[str, ...]
    try:
        async with AsyncExitStack() as stack:
            before, after = [
                await stack.enter_async_context(
                    open_repository(name, login=await find_login(name), stage=_STAGE)
                )
                for name in (order.repository, repository)
            ]
            lines = await differences(before, wanted, after, type(wanted)(found))
    except KeelwayError as error:
        lines = (f"what differs cannot be told, as the old one is not there: {error.message}",)
    return StageError(
        f"{order.name} was {wanted}, and is {found} when it is built again",
        stage=_STAGE,
        why="\n".join(lines) or None,
        next_step=f"look at {new}; pin what moved, and make the build reproducible",
    )

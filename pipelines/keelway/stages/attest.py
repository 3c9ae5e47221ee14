"""State under a signature what is known of a published image, in forms that stock tools read.

Index and platforms get their provenance, test results and verdict; each platform gets its SBOMs
and its scan; exceptions that say something about a vulnerability become OpenVEX. What a skipped
stage would have given is left out, and said.

Example:
    >>> from keelway.model.signer import KeySigner, SignerSpec
    >>> AttestSpec(signer=SignerSpec(who=KeySigner(key="env://COSIGN_KEY"))).predicates[0]
    'provenance'
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

from keelway._kept import REPORT_DIRECTORY
from keelway._registries import find_login, plan_registries
from keelway._stage import Run, stage
from keelway._together import each
from keelway._tools.cosign import COSIGN
from keelway.evidence.origins import plan_origins
from keelway.evidence.planned import plan_layouts, plan_signer
from keelway.facts.builder import LOCAL
from keelway.model.evidence import Attestations, Evidence, Layout, PredicateType
from keelway.model.outcome import Skipped

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.evidence.repositories import Keeping
    from keelway.evidence.signer import Signer
    from keelway.facts import Facts
    from keelway.model.evidence import Statement
    from keelway.model.provenance import Builder, Origin
    from keelway.model.published import Published
    from keelway.model.registry import RegistrySpec
    from keelway.model.signer import SignerSpec
    from keelway.model.verdict import Verified
    from keelway.registry.client import Repository

TOOLS = (COSIGN,)

Predicate = Literal[
    "provenance", "spdx", "cyclonedx", "vulnerabilities", "openvex", "test-result", "summary"
]
ALL: tuple[Predicate, ...] = get_args(Predicate)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestSpec:
    """What is stated, and who signs it."""

    signer: SignerSpec
    """Who signs the statements."""
    predicates: tuple[Predicate, ...] = ALL
    """What is stated, where a stage gave something to state."""
    layouts: tuple[Layout, ...] = (Layout.REFERRER,)
    """How the statements are kept in the registry."""
    origins: tuple[Origin, ...] = ()
    """How each image was asked for; an image without one gets no provenance."""
    builder: Builder = LOCAL
    """Who builds by the environment; where an identity signs, its token decides."""
    registries: tuple[RegistrySpec, ...] = ()
    """The registries, with their logins."""
    login_files: tuple[str, ...] = ()
    """Files with logins of this machine; the first that exists counts."""
    directory: str = REPORT_DIRECTORY
    """Where SBOMs and scan reports were kept."""
    epoch: int = 0
    """All times in statements, in seconds since 1970."""


def plan_attest(config: Config, facts: Facts) -> AttestSpec | Skipped:
    """Return what is stated, or why nothing is.

    Raises:
        PlanError: The key, its password, a token or cosign is missing.
    """
    if not config.attest.enabled:
        return Skipped("attest.enabled is false")
    if not config.sign.enabled:
        return Skipped("sign.enabled is false: there is nobody to sign statements")
    if not config.registries:
        return Skipped("no registry is configured")
    return AttestSpec(
        signer=plan_signer(config, facts),
        predicates=tuple(dict.fromkeys(config.attest.predicates)),
        layouts=plan_layouts(config),
        origins=plan_origins(config, facts),
        builder=facts.builder,
        registries=plan_registries(config, facts),
        login_files=facts.login_files,
        directory=str(facts.resolve(config.report.directory)),
        epoch=facts.epoch or 0,
    )


@stage("attest")
async def attest(
    run: Run, spec: AttestSpec, published: Published, verified: Verified
) -> Attestations:
    """Return the statements that are beside the images now.

    Args:
        run: The run.
        spec: What is stated, and who signs it.
        published: What was published: statements are about its digests.
        verified: What was found about it.

    Raises:
        PlanError: The key, its password or the token cannot be read, or cosign is missing.
        ToolError: cosign cannot sign.
        RegistryError: No registry takes a statement, or one gives back other bytes.
        PublishError: Some registry takes none; the others have all.
        StageError: A kept report is missing or was changed since it was written.
    """
    from keelway.evidence import statements  # noqa: PLC0415 - not for a plan
    from keelway.evidence.claims import proved_builder  # noqa: PLC0415 - likewise
    from keelway.evidence.repositories import (  # noqa: PLC0415 - likewise
        Keeping,
        open_repositories,
    )
    from keelway.evidence.signer import open_signer  # noqa: PLC0415 - likewise

    signer = await open_signer(run, spec.signer, stage="attest")
    names = [tag.repository for image in published.images for tag in image.tags]
    find = partial(
        find_login, run, registries=spec.registries, files=spec.login_files, stage="attest"
    )
    gathered = statements.Gathered(
        predicates=spec.predicates,
        origins={origin.image: origin for origin in spec.origins},
        builder=spec.builder
        if signer.claims is None
        else proved_builder(signer.claims, spec.builder),
        signer=signer.name,
        directory=spec.directory,
        epoch=spec.epoch,
    )
    async with open_repositories(names, find, stage="attest", writing=run.writing) as repositories:
        keeping = Keeping(stage="attest", repositories=repositories)
        subjects = await keeping.subjects(published.images)
        made = await statements.gather(gathered, subjects, verified)
        keep = partial(_keep, run, spec, signer, keeping)
        kept = [evidence for some in await each(keep, made.statements) for evidence in some]
        if "summary" in spec.predicates:
            last = statements.summaries(gathered, subjects, verified, kept)
            kept += [evidence for some in await each(keep, last) for evidence in some]
        attestations = Attestations(
            attested=tuple(kept), signer=signer.name, tool=signer.tool, notes=made.notes
        )
        await keeping.finish(kept, attestations)
    run.say("attest", f"{len(kept)} statements about {len(subjects)} digests, by {signer.name}")
    return attestations


async def _keep(
    run: Run,
    spec: AttestSpec,
    signer: Signer,
    keeping: Keeping,
    said: Statement,
) -> tuple[Evidence, ...]:
    """Sign one statement once, and keep it in each repository, in each layout."""
    from keelway.evidence.keeping import keep_attestation, keep_referrer  # noqa: PLC0415 - as above
    from keelway.evidence.statement import statement_text  # noqa: PLC0415 - as above

    doing = f"attesting {PredicateType(said.predicate_type).name.lower()} of {said.subject.label}"
    bundle = await signer.attest(run, statement_text(said), doing=doing)

    async def write(layout: Layout, repository: Repository) -> Evidence:
        if layout is Layout.REFERRER:
            return await keep_referrer(
                repository, said.subject, bundle, said.predicate_type, spec.epoch
            )
        return await keep_attestation(repository, said.subject, bundle, said.predicate_type)

    return tuple(
        [
            one
            for name in said.subject.repositories
            for layout in spec.layouts
            for one in await keeping.keep(name, partial(write, layout))
        ]
    )

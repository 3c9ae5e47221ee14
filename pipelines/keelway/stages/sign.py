"""Sign what was published: by digest, each index and each platform.

A signature says nothing but "this digest is ours". It is made offline by cosign, from the digest
alone, and kept beside the image, so that stock `cosign verify` finds it.

Example:
    >>> from keelway.model.signer import KeySigner, SignerSpec
    >>> SignSpec(signer=SignerSpec(who=KeySigner(key="env://COSIGN_KEY"))).layouts
    (<Layout.REFERRER: 'referrer'>,)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from keelway._registries import find_login, plan_registries
from keelway._stage import Run, stage
from keelway._together import each
from keelway._tools.cosign import COSIGN
from keelway.evidence.planned import plan_layouts, plan_signer
from keelway.model.evidence import Evidence, Layout, PredicateType, Signatures, Subject
from keelway.model.outcome import Skipped

if TYPE_CHECKING:
    from keelway.config import Config
    from keelway.evidence.repositories import Keeping
    from keelway.evidence.signer import Signer
    from keelway.facts import Facts
    from keelway.model.published import Published
    from keelway.model.registry import RegistrySpec
    from keelway.model.signer import SignerSpec
    from keelway.registry.client import Repository

TOOLS = (COSIGN,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignSpec:
    """Who signs, and how signatures are kept."""

    signer: SignerSpec
    """Who signs."""
    layouts: tuple[Layout, ...] = (Layout.REFERRER,)
    """How signatures are kept in the registry."""
    registries: tuple[RegistrySpec, ...] = ()
    """Whose logins are used, before those of the machine."""
    login_files: tuple[str, ...] = ()
    """Docker's configurations of this machine; the first that exists counts."""
    epoch: int = 0
    """The time in what is kept, in seconds since 1970."""


def plan_sign(config: Config, facts: Facts) -> SignSpec | Skipped:
    """Return who signs, or why nobody does.

    Raises:
        PlanError: The key, its password, a token or cosign is missing, or a layout is impossible.
    """
    if not config.sign.enabled:
        return Skipped("sign.enabled is false")
    if not config.registries:
        return Skipped("no registry is configured")
    return SignSpec(
        signer=plan_signer(config, facts),
        layouts=plan_layouts(config),
        registries=plan_registries(config, facts),
        login_files=facts.login_files,
        epoch=facts.epoch or 0,
    )


@stage("sign")
async def sign(run: Run, spec: SignSpec, published: Published) -> Signatures:
    """Return the signatures that are beside the images now.

    Args:
        run: The run.
        spec: Who signs, and how signatures are kept.
        published: What was published: its digests are signed, never its tags.

    Raises:
        PlanError: The key, its password or the token cannot be read, or cosign is missing.
        ToolError: cosign cannot sign: a wrong password, an expired token.
        RegistryError: No registry takes a signature.
        PublishError: Some registry does not; the others have all.
    """
    from keelway.evidence.repositories import (  # noqa: PLC0415 - not for a plan
        Keeping,
        open_repositories,
    )
    from keelway.evidence.signer import open_signer  # noqa: PLC0415 - likewise
    from keelway.evidence.verify_options import verify_options  # noqa: PLC0415 - likewise

    signer = await open_signer(run, spec.signer, stage="sign")
    names = [tag.repository for image in published.images for tag in image.tags]
    find = partial(
        find_login, run, registries=spec.registries, files=spec.login_files, stage="sign"
    )
    async with open_repositories(names, find, stage="sign", writing=run.writing) as repositories:
        keeping = Keeping(stage="sign", repositories=repositories)
        subjects = await keeping.subjects(published.images)
        kept = await each(partial(_sign, run, spec, signer, keeping), subjects)
        signed = tuple(evidence for some in kept for evidence in some)
        signatures = Signatures(
            signed=signed,
            signer=signer.name,
            tool=signer.tool,
            verify_with=verify_options(spec.signer, signer.claims),
        )
        await keeping.finish(signed, signatures)
    run.say("sign", f"{len(subjects)} digests signed by {signer.name}")
    return signatures


async def _sign(
    run: Run,
    spec: SignSpec,
    signer: Signer,
    keeping: Keeping,
    subject: Subject,
) -> tuple[Evidence, ...]:
    """Sign one digest, and keep the signature in each repository that has it."""
    kept: list[Evidence] = []
    for layout in spec.layouts:
        keep = _keep_referrer if layout is Layout.REFERRER else _keep_legacy
        kept += await keep(run, spec, signer, keeping, subject)
    return tuple(kept)


async def _keep_referrer(
    run: Run,
    spec: SignSpec,
    signer: Signer,
    keeping: Keeping,
    subject: Subject,
) -> list[Evidence]:
    from keelway.evidence.keeping import keep_referrer  # noqa: PLC0415 - not for a plan
    from keelway.evidence.statement import signature_of, statement_text  # noqa: PLC0415 - likewise

    text = statement_text(signature_of(subject))
    bundle = await signer.attest(run, text, doing=f"signing {subject.label}")
    predicate = PredicateType.COSIGN_SIGNATURE

    async def write(repository: Repository) -> Evidence:
        return await keep_referrer(repository, subject, bundle, predicate, spec.epoch)

    return [one for name in subject.repositories for one in await keeping.keep(name, write)]


async def _keep_legacy(
    run: Run,
    spec: SignSpec,  # noqa: ARG001 - both are called alike
    signer: Signer,
    keeping: Keeping,
    subject: Subject,
) -> list[Evidence]:
    from keelway.evidence.keeping import (  # noqa: PLC0415 - not for a plan
        SignedPayload,
        keep_signature,
        simple_signing,
    )

    kept: list[Evidence] = []
    for name in subject.repositories:
        payload = simple_signing(subject, name)
        bundle = await signer.sign(run, payload, doing=f"signing {subject.label} for {name}")
        signed = SignedPayload(payload=payload, signature=bundle.message_signature())
        kept += await keeping.keep(name, partial(keep_signature, subject=subject, signed=signed))
    return kept

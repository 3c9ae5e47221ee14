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
        RegistryError: A registry does not take a signature.
    """
    from keelway.evidence.repositories import open_repositories  # noqa: PLC0415 - not for a plan
    from keelway.evidence.signer import open_signer  # noqa: PLC0415 - likewise
    from keelway.evidence.subjects import find_subjects  # noqa: PLC0415 - likewise
    from keelway.evidence.verify_options import verify_options  # noqa: PLC0415 - likewise

    signer = await open_signer(run, spec.signer, stage="sign")
    names = [tag.repository for image in published.images for tag in image.tags]
    find = partial(
        find_login, run, registries=spec.registries, files=spec.login_files, stage="sign"
    )
    async with open_repositories(names, find, stage="sign") as repositories:
        found = [await find_subjects(repositories, im, stage="sign") for im in published.images]
        subjects = [subject for some in found for subject in some]
        kept = await each(partial(_sign, run, spec, signer, repositories), subjects)
    signed = tuple(evidence for some in kept for evidence in some)
    run.say("sign", f"{len(subjects)} digests signed by {signer.name}")
    return Signatures(
        signed=signed,
        signer=signer.name,
        tool=signer.tool,
        verify_with=verify_options(spec.signer, signer.claims),
    )


async def _sign(
    run: Run,
    spec: SignSpec,
    signer: Signer,
    repositories: dict[str, Repository],
    subject: Subject,
) -> tuple[Evidence, ...]:
    """Sign one digest, and keep the signature in each repository that has it."""
    kept: list[Evidence] = []
    for layout in spec.layouts:
        keep = _keep_referrer if layout is Layout.REFERRER else _keep_legacy
        kept += await keep(run, spec, signer, repositories, subject)
    return tuple(kept)


async def _keep_referrer(
    run: Run,
    spec: SignSpec,
    signer: Signer,
    repositories: dict[str, Repository],
    subject: Subject,
) -> list[Evidence]:
    from keelway.evidence.keeping import keep_referrer  # noqa: PLC0415 - not for a plan
    from keelway.evidence.statement import signature_of, statement_text  # noqa: PLC0415 - likewise

    text = statement_text(signature_of(subject))
    bundle = await signer.attest(run, text, doing=f"signing {subject.label}")
    predicate = PredicateType.COSIGN_SIGNATURE
    return [
        await keep_referrer(repositories[name], subject, bundle, predicate, spec.epoch)
        for name in subject.repositories
    ]


async def _keep_legacy(
    run: Run,
    spec: SignSpec,  # noqa: ARG001 - both are called alike
    signer: Signer,
    repositories: dict[str, Repository],
    subject: Subject,
) -> list[Evidence]:
    from keelway.evidence import keeping  # noqa: PLC0415 - not for a plan

    kept: list[Evidence] = []
    for name in subject.repositories:
        payload = keeping.simple_signing(subject, name)
        bundle = await signer.sign(run, payload, doing=f"signing {subject.label} for {name}")
        signed = keeping.SignedPayload(payload=payload, signature=bundle.message_signature())
        kept.append(await keeping.keep_signature(repositories[name], subject, signed))
    return kept

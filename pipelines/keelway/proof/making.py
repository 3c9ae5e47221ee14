"""A proof made: the images and what was found of them, kept under the report directory.

What is in it lies in `proof/PLATFORMS/`: the archives and `proof.json`. Its digest is what the
machine that publishes must be told by the CI itself, and not by whoever carries the files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from keelway import flow
from keelway._kept import keep, make_directory
from keelway._stage import Run, failures_of, stage
from keelway.errors import StageError
from keelway.model.outcome import Skipped
from keelway.model.platform import file_name
from keelway.proof.digests import digest_of_file
from keelway.proof.document import PROOF_FILE, PROOF_FOLDER, Proof, ProvedImage, Source, form
from keelway.proof.source import asked_for

if TYPE_CHECKING:
    from keelway.model.image import BuiltImage, Digest, Images
    from keelway.model.verdict import Verified
    from keelway.planning import Plan
    from keelway.stages.build import BuildSpec

STAGE = "proof"
DIGEST_FILE = f"{PROOF_FOLDER}/digest"
"""Under the report directory: the digest of the proof that was made last, for the CI to hand on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSpec:
    """What a proof is made for."""

    source: Source
    build: BuildSpec
    directory: str
    """The report directory."""
    keep_images: bool = True
    """Whether the images are in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A proof that can travel."""

    path: str
    """The file, under the report directory."""
    digest: Digest
    """Of the file."""


async def prove(run: Run, plan: Plan, *, source: Source, directory: str) -> Made:
    """Return the proof of images that were built and judged here.

    Exceptions that nothing here uses may be those of other platforms: whoever puts the proofs
    together judges them.

    Args:
        run: The run.
        plan: What is built and judged.
        source: What it is made from.
        directory: The report directory.

    Raises:
        GateError: They must not be published.
        KeelwayError: Something broke.
    """
    lenient = replace(plan.verify.gate, strict_exceptions=False)
    verified = await flow.verify(run, replace(plan.verify, gate=lenient))
    spec = MakeSpec(source=source, build=plan.verify.build, directory=directory)
    return await make_proof(run, spec, verified)


async def prove_tests(
    run: Run, plan: Plan, images: Images, *, source: Source, directory: str
) -> Made:
    """Return the proof that images which were proved already pass their tests; it has no images.

    Args:
        run: The run.
        plan: Which tests; what else is judged was judged where they were built.
        images: The images.
        source: What they are made from.
        directory: The report directory.

    Raises:
        GateError: They must not be published.
        KeelwayError: Something broke.
    """
    lenient = replace(plan.verify.gate, strict_exceptions=False)
    verified = await flow.prove(run, replace(plan.verify, gate=lenient), images)
    spec = MakeSpec(source=source, build=plan.verify.build, directory=directory, keep_images=False)
    return await make_proof(run, spec, verified)


@stage(STAGE)
async def make_proof(run: Run, spec: MakeSpec, verified: Verified) -> Made:
    """Return the proof of what was verified, written under the report directory.

    Args:
        run: The run.
        spec: What it is made for.
        verified: What was built and judged.

    Raises:
        StageError: An image cannot be kept, or its archive holds another image than was judged.
    """
    root = Path(spec.directory)
    folder = f"{PROOF_FOLDER}/{_key(verified.images)}"
    await anyio.to_thread.run_sync(make_directory, root)
    await anyio.Path(root / folder).mkdir(parents=True, exist_ok=True)
    kept = verified.images.variants if spec.keep_images else ()
    images = [await _keep(root / folder, spec, image) for image in kept]
    proof = Proof(
        source=spec.source,
        images=tuple(images),
        policy=verified.policy,
        findings=verified.findings,
        sboms=verified.sboms,
        tests=verified.tests,
        load=Skipped("nobody asked for a load test") if verified.load is None else verified.load,
    )
    proof = replace(
        proof,
        files={
            name: await digest_of_file(root / name, stage=STAGE)
            for name in sorted(set(proof.named_files()))
        },
    )
    text = form().dump_json(proof, indent=1).decode() + "\n"
    path = await keep(spec.directory, f"{folder}/{PROOF_FILE}", text)
    digest = await digest_of_file(root / path, stage=STAGE)
    await keep(spec.directory, DIGEST_FILE, f"{digest}\n")
    run.say(STAGE, f"{path} {digest}")
    return Made(path=path, digest=digest)


async def _keep(folder: Path, spec: MakeSpec, image: BuiltImage) -> ProvedImage:
    from keelway.registry.archive import open_archive  # noqa: PLC0415 - not for a plan

    path = folder / f"{image.name}-{file_name(image.platform)}.tar"
    with failures_of(STAGE, f"keeping {image.label}"):
        await image.tarball().export(str(path))
    archive = await anyio.to_thread.run_sync(lambda: open_archive(path, stage=STAGE))
    asked = next((one for one in spec.build.images if one.name == image.name), None)
    if asked is None:
        raise StageError(f"{image.name} was not asked for", stage=STAGE)
    return ProvedImage(
        name=image.name,
        platform=image.platform,
        archive=path.name,
        archive_digest=await digest_of_file(path, stage=STAGE),
        manifest=archive.manifest.digest,
        config=archive.config,
        asked=asked_for(asked, image.platform),
    )


def _key(images: Images) -> str:
    return "_".join(dict.fromkeys(file_name(image.platform) for image in images.variants))

"""A release out of proofs: what other machines built and judged is judged whole, and published.

The gate is asked again, about everything, by this machine's configuration: of the others only what
they saw is believed, and that by the digests of their proofs.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread

from keelway import flow
from keelway._kept import make_directory
from keelway._local_files import local_file
from keelway._stage import Run, stage
from keelway.model.image import BuiltImage, Images
from keelway.model.outcome import Skipped
from keelway.model.release import Report
from keelway.proof import merging
from keelway.proof.reading import STAGE, Found, check_files, check_source, choose, find_proofs
from keelway.stages.gate import gate
from keelway.stages.publish import publish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.model.verdict import Verified
    from keelway.planning import Plan
    from keelway.proof.document import Proof, ProvedImage, Source

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembleSpec:
    """Which proofs are put together."""

    folder: Path
    """Where they are, at any depth."""
    digests: tuple[str, ...]
    """Of each of them, as the CI told it."""
    source: Source
    """What all must be made from."""
    directory: str
    """The report directory of this run."""


async def assemble(run: Run, plan: Plan, *, spec: AssembleSpec) -> Report:
    """Return the report of a release whose images were built and judged by others.

    Args:
        run: The run.
        plan: What is published; what it would build says which images there must be.
        spec: The proofs.

    Raises:
        PlanError: A proof is missing, was changed, or is of something else.
        GateError: The images must not be published, and were not.
        KeelwayError: Something broke.
    """
    taken = await take_proofs(run, spec, plan)
    images = taken.built(run)
    verified = await _judge(run, plan, images, taken.proofs)
    if isinstance(plan.deliver, Skipped):
        skipped = await publish(run, plan.deliver, verified)
        return Report(verified=verified, delivered=skipped)
    return Report(verified=verified, delivered=await flow.deliver(run, plan.deliver, verified))


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Proofs that hold."""

    images: tuple[tuple[Found, ProvedImage], ...]
    """Who proved each image for each platform, in the order of the configuration."""
    proofs: tuple[Proof, ...]

    def built(self, run: Run) -> Images:
        """Return the images, as a run's engine takes them."""
        return Images(variants=tuple(_built(run, found, image) for found, image in self.images))


@stage(STAGE)
async def take_proofs(run: Run, spec: AssembleSpec, plan: Plan) -> Taken:
    """Return what is proved, with the files of all proofs under the report directory.

    Raises:
        PlanError: A proof is missing, was changed, or is of something else.
    """
    found = await anyio.to_thread.run_sync(find_proofs, spec.folder, spec.digests)
    check_source(found, spec.source)
    chosen = choose(found, plan.verify.build)
    await check_files(found)
    await anyio.to_thread.run_sync(_bring_reports, found, Path(spec.directory))
    for one, image in chosen:
        run.say(STAGE, f"{image.name} ({image.platform}) {image.manifest} by {one.folder.name}")
    return Taken(images=chosen, proofs=tuple(one.proof for one in found))


def _bring_reports(found: Sequence[Found], directory: Path) -> None:
    make_directory(directory)
    for one in found:
        for name in one.proof.files:
            source, target = one.reports / name, directory / name
            if source.resolve() != target.resolve():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


def _built(run: Run, found: Found, image: ProvedImage) -> BuiltImage:
    import dagger  # noqa: PLC0415 - not for a plan

    path = (found.folder / image.archive).resolve()
    empty = run.dag.container(platform=dagger.Platform(image.platform))
    return BuiltImage(
        name=image.name,
        platform=image.platform,
        container=empty.import_(local_file(run, path)),
        archive=str(path),
    )


async def _judge(run: Run, plan: Plan, images: Images, proofs: Sequence[Proof]) -> Verified:
    """Return the proof of all images: the gate's, on what was found of each."""
    return await gate(
        run,
        plan.verify.gate,
        images,
        await _told(run, "policy", merging.merged_policy(proofs)),
        await _told(run, "scan", merging.merged_findings(proofs)),
        await _told(run, "sbom", merging.merged_sboms(proofs)),
        await _told(run, "integration", merging.merged_tests(proofs)),
        await _told(run, "load", merging.merged_load(proofs)),
    )


async def _told(run: Run, name: str, result: R | Skipped) -> R | Skipped:
    """Return what others found, told as if the stage had found it: so that the report has it."""

    @stage(name)
    async def tell(run: Run, found: R) -> R:
        run.say(name, "taken from the proofs")
        return found

    return await tell(run, result)

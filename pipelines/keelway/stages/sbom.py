"""List what is inside every image with Syft, as SPDX and as CycloneDX.

The documents are the same for the same image: `keelway._tools.syft` tells how.

Example:
    >>> [str(form) for form in SbomSpec().formats]
    ['spdx-json', 'cyclonedx-json']
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from keelway._cage import WORK, Cage, open_cage, plan_tool
from keelway._kept import REPORT_DIRECTORY, keep, stem
from keelway._stage import Run, failures_of, stage
from keelway._together import each_built
from keelway._tools.syft import ENVIRONMENT, SYFT, sbom_argv, settle
from keelway.model.image import BuiltImage, Digest, Images
from keelway.model.outcome import Skipped
from keelway.model.sbom import Sbom, SbomFormat, Sboms
from keelway.model.tool import HostTool, ToolSource

if TYPE_CHECKING:
    import dagger

    from keelway.config import Config
    from keelway.facts import Facts

TOOLS = (SYFT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomSpec:
    """Which documents are written."""

    formats: tuple[SbomFormat, ...] = (SbomFormat.SPDX_JSON, SbomFormat.CYCLONEDX_JSON)
    """One document of each for every image and platform."""
    epoch: int | None = None
    """The time in the documents, in seconds since 1970; its beginning when nothing is known."""
    tool: ToolSource = HostTool(path="syft")  # noqa: RUF009 - frozen
    """Where Syft comes from."""
    directory: str = REPORT_DIRECTORY
    """Where they are kept, as `sbom/IMAGE-PLATFORM.spdx.json` and `.cdx.json`."""


def plan_sbom(config: Config, facts: Facts) -> SbomSpec | Skipped:
    """Return which documents are written, or why there are none.

    Raises:
        PlanError: When Syft is missing.
    """
    if not config.sbom.enabled:
        return Skipped("sbom.enabled is false")
    if not config.sbom.formats:
        return Skipped("sbom.formats is empty")
    return SbomSpec(
        formats=tuple(dict.fromkeys(SbomFormat(form) for form in config.sbom.formats)),
        epoch=facts.epoch,
        tool=plan_tool(SYFT, config.tools.syft, facts),
        directory=str(facts.resolve(config.report.directory)),
    )


@stage("sbom")
async def make_sboms(run: Run, spec: SbomSpec, images: Images) -> Sboms:
    """Return the documents about each image, written under the report directory.

    Args:
        run: The run.
        spec: Which forms are made, by which Syft.
        images: What was built.

    Raises:
        PlanError: Syft is missing.
        ToolError: Syft broke.
        ToolOutputError: Syft wrote something that is no such document.
    """
    cage = await open_cage(run, stage="sbom", tool=SYFT, source=spec.tool)
    work = run.watched("sbom", lambda image: image.label, partial(_catalogue, run, spec, cage))
    documents = await each_built(work, images)
    return Sboms(
        documents=tuple(document for some in documents for document in some), tool=cage.version
    )


async def _catalogue(run: Run, spec: SbomSpec, cage: Cage, image: BuiltImage) -> tuple[Sbom, ...]:
    tarball = f"/input/{stem(image.name, image.platform)}.tar"
    outputs = {form: f"{WORK}/image{form.suffix}" for form in spec.formats}
    done = await cage.run(
        sbom_argv(tarball, outputs, name=image.name),
        doing=f"cataloguing {image.label}",
        files={tarball: image.tarball()},
        environment=ENVIRONMENT,
    )
    written = tuple([await _document(spec, cage, image, done, form) for form in spec.formats])
    run.say("sbom", f"{image.label}: {written[0].packages} packages")
    return written


async def _document(
    spec: SbomSpec, cage: Cage, image: BuiltImage, done: dagger.Container, form: SbomFormat
) -> Sbom:
    with failures_of("sbom", f"reading the {form} document about {image.label}"):
        text = await done.file(f"{WORK}/image{form.suffix}").contents()
    settled = settle(text, form, version=cage.version.version, epoch=spec.epoch)
    name = f"sbom/{stem(image.name, image.platform)}{form.suffix}"
    return Sbom(
        image=image.name,
        platform=image.platform,
        format=form,
        path=await keep(spec.directory, name, settled.text),
        sha256=Digest(f"sha256:{hashlib.sha256(settled.text.encode()).hexdigest()}"),
        packages=settled.packages,
        subject=settled.subject,
        contents=settled.contents,
    )

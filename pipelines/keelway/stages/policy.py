"""Hold every image against the policy: its Dockerfile, and the image itself.

What breaks a rule is a result, not a failure: `keelway.stages.gate` judges it. What is asked is
decided in `keelway.policy.planned`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from keelway._cage import open_cage
from keelway._image_proof import prove_start, rule_result, skipped_result
from keelway._image_start import open_busybox, read_image
from keelway._kept import keep
from keelway._local_files import local_file
from keelway._stage import Run, failures_of, stage
from keelway._together import each, each_built, together
from keelway._tools.busybox import BUSYBOX
from keelway._tools.hadolint import HADOLINT, check_argv
from keelway.errors import PlanError, StageError
from keelway.model.outcome import Skipped
from keelway.policy.budget import Budget
from keelway.policy.health_rules import RULE_NAMES
from keelway.policy.planned import plan_policy

if TYPE_CHECKING:
    import dagger

    from keelway._cage import Cage
    from keelway._tools.tool import Tool
    from keelway.model.image import BuiltImage, Images
    from keelway.model.policy import ImageMeasure, PolicyReport, PolicyResult, StartMeasure
    from keelway.policy.content import ImageContent
    from keelway.policy.released import MeasuresByImage
    from keelway.policy.spec import PolicySpec

TOOLS: tuple[Tool, ...] = (BUSYBOX, HADOLINT)

__all__ = ["TOOLS", "check_policy", "plan_policy"]


@stage("policy")
async def check_policy(run: Run, spec: PolicySpec, images: Images) -> PolicyReport:
    """Return how each image stands to each rule.

    Args:
        run: The run.
        spec: The rules, and how grave each one is.
        images: What was built.

    Raises:
        StageError: A Dockerfile is gone since it was built, or the engine failed.
    """
    from keelway.model.policy import PolicyOutcome, PolicyReport  # noqa: PLC0415 - not for a plan

    released = await _released(spec)
    look = partial(_image, run, spec, open_busybox(run, spec.busybox), released)
    # Side by side: no image waits until Dockerfiles are read.
    texts, variants = await together(
        _dockerfiles(run, spec, images),
        each_built(run.watched("policy", lambda one: one.label, look), images),
    )
    results = [result for some in texts for result in some]
    results += [result for one in variants for result in one.results]
    order = list(PolicyOutcome)
    order.remove(PolicyOutcome.FAILED)
    results.sort(
        key=lambda one: (
            not one.failed, one.outcome is not PolicyOutcome.WARNED,
            one.image, one.platform or "", one.rule, one.where or "",
        ),
    )  # fmt: skip
    report = PolicyReport(
        results=tuple(results),
        measures=tuple(one.measure for one in variants if one.measure is not None),
        starts=tuple(one.start for one in variants if one.start is not None),
        notes=_growth_notes(spec, images, released),
    )
    counts = report.counts()
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    run.say("policy", f"{counts['failed']} failed, {counts['warned']} warned{skipped}")
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """What came of one image for one platform."""

    results: tuple[PolicyResult, ...]
    measure: ImageMeasure | None
    start: StartMeasure | None


async def _dockerfiles(
    run: Run, spec: PolicySpec, images: Images
) -> tuple[list[PolicyResult], ...]:
    """Hold all Dockerfiles against the rules that they show by themselves."""
    hadolint = await _open_hadolint(run, spec)
    return await each(partial(_dockerfile, run, spec, hadolint), images.names())


async def _open_hadolint(run: Run, spec: PolicySpec) -> Cage | Skipped:
    """Make hadolint ready; where this machine has none it is left out, as it would be in a plan."""
    if isinstance(spec.hadolint, Skipped):
        return spec.hadolint
    try:
        return await open_cage(run, stage="policy", tool=HADOLINT, source=spec.hadolint)
    except PlanError as error:
        return Skipped(f"{error.message}: {error.next_step}")


async def _released(spec: PolicySpec) -> MeasuresByImage:
    """Return what the last release here measured, and keep it: the report is written anew."""
    from keelway.policy.released import (  # noqa: PLC0415 - not for a plan
        RELEASED_FILE,
        parse_released,
        released_measures,
    )

    last = released_measures(await _text(Path(spec.directory, "report.json")))
    if last is not None:
        await keep(spec.directory, RELEASED_FILE, last)
    return parse_released(await _text(Path(spec.directory, RELEASED_FILE)))


async def _text(path: Path) -> str:
    try:
        return await anyio.Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _growth_notes(spec: PolicySpec, images: Images, released: MeasuresByImage) -> tuple[str, ...]:
    return tuple(
        f"growth of {image.label} was not looked at: no earlier release left its measures in the "
        "report directory"
        for image in images.variants
        if spec.budgets.get(image.name, Budget()).growth is not None
        and (image.name, image.platform) not in released
    )


async def _dockerfile(
    run: Run, spec: PolicySpec, hadolint: Cage | Skipped, image: str
) -> list[PolicyResult]:
    """Hold one Dockerfile against the rules that it shows by itself."""
    from keelway.dockerfile import DockerfileError, SyntaxProblem, parse  # noqa: PLC0415 - as above
    from keelway.policy.dockerfile_rules import broken  # noqa: PLC0415 - as above

    given = spec.dockerfiles.get(image)
    if given is None:
        return []
    try:
        text = await anyio.Path(given.path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StageError(
            f"{given.shown} cannot be read", stage="policy", why=error.strerror
        ) from error
    try:
        parsed = parse(text, given.shown)
        hits = broken(parsed, build_args=given.build_args, target=given.target, inherits=True)
    except (DockerfileError, SyntaxProblem) as error:
        raise StageError(
            f"{given.shown} cannot be read as a Dockerfile", stage="policy", why=str(error)
        ) from error
    rules = ("base-pinned", "no-latest", "no-secret-arguments", "no-secret-files")
    by_rule = {rule: [hit for hit in hits if hit.rule == rule] for rule in rules}
    results: list[PolicyResult] = []
    for rule, found in by_rule.items():
        results += [
            rule_result(spec, image, None, rule, hit.message, f"{given.shown}:{hit.line}")
            for hit in found
        ] or [rule_result(spec, image, None, rule, None, given.shown)]
    results += await _hadolint(run, spec, hadolint, image)
    return [result for result in results if spec.level(image, result.rule) != "off"]


async def _hadolint(
    run: Run, spec: PolicySpec, cage: Cage | Skipped, image: str
) -> list[PolicyResult]:
    """Return what hadolint says of one Dockerfile: errors break the rule, the rest is told."""
    from keelway._tools.hadolint_report import parse_findings  # noqa: PLC0415 - not for a plan

    given = spec.dockerfiles[image]
    if spec.level(image, "hadolint") == "off":
        return []
    if isinstance(cage, Skipped):
        return [skipped_result(image, None, "hadolint", cage.reason)]
    inside = "/input/Dockerfile"
    doing = f"reading {given.shown} with hadolint"
    file = local_file(run, given.path)
    done = await cage.run(check_argv(inside), doing=doing, files={inside: file})
    with failures_of("policy", doing):
        findings = parse_findings(await done.stdout())
    output = "\n".join(f"{given.shown}:{one.line}: {one.level} {one.shown}" for one in findings)
    return [
        rule_result(spec, image, None, "hadolint", one.shown, f"{given.shown}:{one.line}")
        for one in findings
        if one.level == "error"
    ] or [replace(rule_result(spec, image, None, "hadolint", None, given.shown), output=output)]


async def _image(
    run: Run,
    spec: PolicySpec,
    busybox: dagger.File | Skipped,
    released: MeasuresByImage,
    image: BuiltImage,
) -> _Looked:
    """Hold one built image against the rules: what it says of itself, what is in it, what it does.

    The health check is read from the image's archive: the SDK's own way to ask for it differs
    between its releases.
    """
    from keelway.policy.content import UnreadableImageError  # noqa: PLC0415 - not for a plan
    from keelway.policy.image_rules import BY_FILES, broken_by, measured  # noqa: PLC0415 - likewise

    try:
        content = await _content(run, spec, busybox, image)
    except UnreadableImageError as error:
        raise StageError(
            f"{image.label} cannot be measured", stage="policy", why=str(error)
        ) from error
    budget = spec.budgets.get(image.name, Budget())
    before = released.get((image.name, image.platform))
    measure = measured(image.name, image.platform, content)
    results = [
        rule_result(spec, image.name, image.platform, rule, broken, None)
        for rule, broken in broken_by(content, measure, budget=budget, released=before)
        if spec.level(image.name, rule) != "off"
    ]
    if content.unread is not None:
        results += [
            skipped_result(image.name, image.platform, rule, content.unread)
            for rule in BY_FILES
            if spec.level(image.name, rule) != "off"
        ]
    started: StartMeasure | None = None
    if any(spec.level(image.name, rule) != "off" for rule in ("starts", *RULE_NAMES)):
        found, started = await prove_start(run, spec, busybox, image, content)
        results += [result for result in found if spec.level(image.name, result.rule) != "off"]
    return _Looked(
        results=tuple(results), measure=None if content.unread else measure, start=started
    )


async def _content(
    run: Run, spec: PolicySpec, busybox: dagger.File | Skipped, image: BuiltImage
) -> ImageContent:
    """Return what is in an image; an archive that was read before is not fetched again.

    Raises:
        UnreadableImageError: Its archive cannot be read.
    """
    from keelway._reuse import FOREVER, Memory  # noqa: PLC0415 - not for a plan
    from keelway.policy.content import ImageContent  # noqa: PLC0415 - likewise

    if isinstance(busybox, Skipped):
        return await read_image(image)
    with failures_of("policy", f"asking for the digest of {image.label}"):
        digest = await image.tarball().digest(exclude_metadata=True)
    memory = Memory(
        run=run, spec=FOREVER, busybox=busybox, stage="policy", directory=spec.directory
    )
    place = await memory.look({"archive": digest}, dict[str, Any])
    if place.kept is not None:
        return ImageContent.from_data(place.kept)
    content = await read_image(image)
    await memory.keep(place, content.to_data(), at=run.clock.now(), passed=True, files=())
    return content

"""An image started, its health check asked, and stopped again: results of the policy's rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from keelway._image_start import start_image
from keelway._stage import failures_of
from keelway.model.outcome import Skipped
from keelway.policy.health_rules import RULE_NAMES
from keelway.policy.rules import RULES
from keelway.policy.starting import StartSpec

if TYPE_CHECKING:
    import dagger

    from keelway._stage import Run
    from keelway.model.image import BuiltImage
    from keelway.model.platform import Platform
    from keelway.model.policy import PolicyResult, StartMeasure
    from keelway.policy.content import ImageContent
    from keelway.policy.spec import PolicySpec
    from keelway.policy.starting import Started

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


async def prove_start(
    run: Run,
    spec: PolicySpec,
    busybox: dagger.File | Skipped,
    image: BuiltImage,
    content: ImageContent,
) -> tuple[list[PolicyResult], StartMeasure | None]:
    """Return what came of starting an image with what it claims to need, and stopping it again.

    Raises:
        ToolError: The script that does it broke.
    """
    from keelway.policy.start_script import start_script  # noqa: PLC0415 - not for a plan
    from keelway.policy.starting import health_of, objection, told  # noqa: PLC0415 - as above

    rules = ("starts",) if health_of(content.config) is None else ("starts", *RULE_NAMES)
    start = spec.starts.get(image.name, StartSpec())
    against = objection(content.config, start) or await _emulated(run, start, image.platform)
    if isinstance(busybox, Skipped) or against is not None:
        reason = against or cast("Skipped", busybox).reason
        return [skipped_result(image.name, image.platform, rule, reason) for rule in rules], None
    machine = _MACHINES.get(image.platform.split("/")[1], "")
    proves = any(spec.level(image.name, rule) != "off" for rule in RULE_NAMES)
    script = start_script(content.config, start, machine=machine, proves=proves)
    if script is None:
        broken = "it has neither ENTRYPOINT nor CMD: there is nothing to start"
        return [rule_result(spec, image.name, image.platform, "starts", broken, None)], None
    started = await start_image(image, start, busybox, script)
    text = told(started, start)
    if started.state == "unenforced":
        return [skipped_result(image.name, image.platform, rule, text) for rule in rules], None
    failed = None if started.passed else text
    result = rule_result(spec, image.name, image.platform, "starts", failed, None)
    result = replace(result, message=text, seconds=started.milliseconds / 1000)
    if not started.passed:
        run.say("policy", f"{image.label}: {text}")
        result = replace(result, output=_output(started))
    health, measure = _health(run, spec, image, content, started)
    return [result, *health], measure


async def _emulated(run: Run, start: StartSpec, platform: Platform) -> str | None:
    """Return why an image is not started where its programs would be emulated, if that is so."""
    if start.emulated:
        return None
    with failures_of("policy", "asking the engine for its platform"):
        native = str(await run.dag.default_platform())
    if native.split("/")[:2] == platform.split("/")[:2]:
        return None
    return f"emulated is false, and its programs would be here: the engine is {native}"


def _output(started: Started) -> str:
    said = [f"health check: {started.health}"] if started.health else []
    return "\n".join([*said, started.log])


def _health(
    run: Run, spec: PolicySpec, image: BuiltImage, content: ImageContent, started: Started
) -> tuple[list[PolicyResult], StartMeasure | None]:
    """Return what an image's own health check is worth, and what its start took."""
    from keelway.model.policy import StartMeasure  # noqa: PLC0415 - not for a plan
    from keelway.policy.health_rules import health_results, unproved  # noqa: PLC0415 - as above
    from keelway.policy.starting import health_of  # noqa: PLC0415 - as above

    start = spec.starts.get(image.name, StartSpec())
    health, proof = health_of(content.config), started.proof
    if health is None:
        return [], None
    reason = unproved(started, health, start)
    if reason is not None or proof is None:
        why = reason or ""
        return [skipped_result(image.name, image.platform, rule, why) for rule in RULE_NAMES], None
    results: list[PolicyResult] = []
    for one in health_results(started, proof, health, start):
        broken = one.text if one.broken else None
        result = rule_result(spec, image.name, image.platform, one.rule, broken, None)
        output = _output(started) if one.broken else ""
        results.append(replace(result, message=one.text, output=output))
        if one.broken:
            run.say("policy", f"{image.label}: {one.text}")
    measure = StartMeasure(
        image=image.name,
        platform=image.platform,
        healthy_ms=started.milliseconds,
        memory_bytes=proof.memory_bytes,
        stopped_ms=proof.stopped_ms,
        noticed_ms=proof.noticed_ms,
        emulated=proof.emulated,
    )
    return results, measure


def skipped_result(image: str, platform: Platform | None, rule: str, reason: str) -> PolicyResult:
    """Return the result of a rule that could not be looked at."""
    from keelway.model.policy import PolicyOutcome, PolicyResult  # noqa: PLC0415 - not for a plan

    return PolicyResult(
        rule=rule,
        outcome=PolicyOutcome.SKIPPED,
        image=image,
        platform=platform,
        message=f"not looked at: {reason}",
    )


def rule_result(
    spec: PolicySpec,
    image: str,
    platform: Platform | None,
    rule: str,
    broken: str | None,
    where: str | None,
) -> PolicyResult:
    """Return the result of a rule: `broken` tells how it is, and is nothing when it is kept."""
    from keelway.model.policy import PolicyOutcome, PolicyResult  # noqa: PLC0415 - not for a plan

    outcome = PolicyOutcome.PASSED
    if broken is not None:
        strict = spec.level(image, rule) == "error"
        outcome = PolicyOutcome.FAILED if strict else PolicyOutcome.WARNED
    return PolicyResult(
        rule=rule,
        outcome=outcome,
        image=image,
        platform=platform,
        message=broken or RULES[rule].asks,
        where=where,
        next_step=None if broken is None else RULES[rule].next_step,
    )

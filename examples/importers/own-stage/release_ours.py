"""A flow of our own: keelway's stages, one of ours beside them, and keelway's gate for all."""

import os
from dataclasses import dataclass
from pathlib import Path

import anyio

import keelway as kw


@dataclass(frozen=True, kw_only=True)
class LicenceSpec:
    """What is asked of each image; a spec is decided before anything runs."""

    path: str = "/LICENCE"
    first_line: str = "Apache License 2.0"


@kw.stage("licence")
async def check_licence(run: kw.Run, spec: LicenceSpec, images: kw.Images) -> kw.PolicyReport:
    """Look for the licence in each image. What is found is a result; the gate judges it."""
    results: list[kw.PolicyResult] = []
    for image in images.variants:
        text = await image.container.file(spec.path).contents()
        passed = text.startswith(spec.first_line)
        results.append(
            kw.PolicyResult(
                rule="licence",
                outcome=kw.PolicyOutcome.PASSED if passed else kw.PolicyOutcome.FAILED,
                image=image.name,
                platform=image.platform,
                message=f"{spec.path} begins with {text.splitlines()[0]!r}",
                where=spec.path,
            )
        )
    run.say("licence", f"{len(results)} images looked at")
    return kw.PolicyReport(results=tuple(results))


async def verify(run: kw.Run, plan: kw.VerifyPlan) -> kw.Verified:
    """Build, look at everything side by side, judge."""
    images = await kw.build(run, plan.build)
    licence, findings, sboms = await kw.together(
        check_licence(run, LicenceSpec(), images),
        kw.scan(run, plan.scan, images),
        kw.make_sboms(run, plan.sbom, images),
    )
    return await kw.gate(run, plan.gate, images, licence, findings, sboms)


async def main() -> None:
    loaded = kw.load_config(Path.cwd())
    facts = kw.gather_facts(loaded, os.environ, kw.known_programs())
    plan = kw.plan_release(loaded.config, facts)
    try:
        await kw.run_plan(verify, plan.verify, plan=plan, directory=".keelway")
    except kw.KeelwayError as error:
        print(error.diagnostics())
        raise SystemExit(error.exit_code) from error
    print("the images are fit to be published")


anyio.run(main)

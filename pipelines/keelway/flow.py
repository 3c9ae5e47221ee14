"""The whole product in one screen: what happens to a commit, in order, and what flows where.

`verify` touches nothing outside; `deliver` cannot be called without its proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway._together import Coming, together
from keelway.finishing import FinishingOthers
from keelway.model.evidence import Attestations, Signatures
from keelway.model.outcome import Skipped
from keelway.model.published import Delivered, Published
from keelway.model.release import Report
from keelway.stages.attest import attest
from keelway.stages.build import build
from keelway.stages.deploy import deploy
from keelway.stages.gate import gate
from keelway.stages.integration import run_integration
from keelway.stages.load import load
from keelway.stages.policy import check_policy
from keelway.stages.publish import publish
from keelway.stages.sbom import make_sboms
from keelway.stages.scan import scan
from keelway.stages.sign import sign

if TYPE_CHECKING:
    from keelway._stage import Run
    from keelway.model.findings import Findings
    from keelway.model.image import Images
    from keelway.model.policy import PolicyReport
    from keelway.model.sbom import Sboms
    from keelway.model.tests import TestResults
    from keelway.model.verdict import Verified
    from keelway.planning import DeliverPlan, Plan, VerifyPlan

    Looked = tuple[
        PolicyReport | Skipped, Findings | Skipped, Sboms | Skipped, TestResults | Skipped
    ]
    """What was found of images."""


async def release(run: Run, plan: Plan) -> Report:
    """Return the report of a commit that was built, judged and published.

    Args:
        run: The run.
        plan: What `plan_release` decided.

    Raises:
        GateError: The images must not be published, and were not.
        KeelwayError: Something broke; its `diagnostics()` tell what.
    """
    verified = await verify(run, plan.verify)
    if isinstance(plan.deliver, Skipped):
        skipped = await publish(run, plan.deliver, verified)  # says so, with its reason
        return Report(verified=verified, delivered=skipped)
    return Report(verified=verified, delivered=await deliver(run, plan.deliver, verified))


async def verify(run: Run, plan: VerifyPlan) -> Verified:
    """Return the proof that the images are fit to be published; nothing leaves the engine.

    Args:
        run: The run.
        plan: What is built and judged.

    Raises:
        GateError: They are not.
        KeelwayError: Something broke.
    """
    begun: Coming[Images] = Coming()

    async def look_at_each() -> Looked:
        return await _look(run, plan, await begun.wait())

    # What is built first is looked at first: one platform may take much longer than another.
    images, looked = await together(build(run, plan.build, begun.give), look_at_each())
    return await _judge(run, plan, images, looked)


async def prove(run: Run, plan: VerifyPlan, images: Images) -> Verified:
    """Return the proof for images that are there already; the plan's build is not looked at.

    Raises:
        GateError: They are not fit to be published.
        KeelwayError: Something broke.
    """
    return await _judge(run, plan, images, await _look(run, plan, images))


async def _look(run: Run, plan: VerifyPlan, images: Images) -> Looked:
    """Return what is found of images; each is waited for by itself where its build goes on."""
    return await together(
        check_policy(run, plan.policy, images),
        scan(run, plan.scan, images),
        make_sboms(run, plan.sbom, images),
        run_integration(run, plan.integration, images),
    )


async def _judge(run: Run, plan: VerifyPlan, images: Images, looked: Looked) -> Verified:
    policy, findings, sboms, tests = looked
    # After the others: what it measures must not be their noise.
    figures = await load(run, plan.load, images)
    return await gate(run, plan.gate, images, policy, findings, sboms, tests, figures)


async def deliver(run: Run, plan: DeliverPlan, verified: Verified) -> Delivered:
    """Return what left the house: exactly the bytes that passed.

    A registry that fails does not stop the others: they get the images with all evidence first.

    Args:
        run: The run.
        plan: What is published, signed and deployed, and how.
        verified: The proof that `verify` hands out.

    Raises:
        PublishError: Some registry did not take all; the error tells what is done.
        RegistryError: The only registry did not take a signature or a statement.
        ToolError: cosign could not sign.
        GateError: What was published does not verify: it is not deployed.
        DeployError: The new version failed on a target; what ran before runs again.
        RollbackError: That failed too: a person is needed.
    """
    others = FinishingOthers()
    published = await others.first(publish(run, plan.publish, verified), kind=Published)
    # Neither needs the other: both are about digests that are there now.
    signatures, attestations = await together(
        others.first(sign(run, plan.sign, published), kind=Signatures),
        others.first(attest(run, plan.attest, published, verified), kind=Attestations),
    )
    others.raise_failure()
    rollout = None if plan.deploy is None else await deploy(run, plan.deploy, published)
    return Delivered(
        published=published, signatures=signatures, attestations=attestations, rollout=rollout
    )

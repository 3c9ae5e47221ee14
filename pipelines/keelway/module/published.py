"""Images in their registries: what can be signed, and what can be stated about."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import dagger
from dagger import Doc

from keelway.errors import PlanError
from keelway.model.image import Digest
from keelway.model.outcome import Skipped
from keelway.model.platform import parse_platform
from keelway.model.published import Published as InRegistries
from keelway.model.published import PublishedImage, PublishedTag
from keelway.module.judging import to_images
from keelway.module.outcome import Outcome, carry_out
from keelway.module.project import Project
from keelway.module.registering import field, object_type, uncached
from keelway.module.workplace import open_workplace

if TYPE_CHECKING:
    from keelway._stage import Run
    from keelway.model.image import Images
    from keelway.planning import DeliverPlan, Plan


@object_type
class Published:
    """Images in their registries."""

    project: Annotated[Project, Doc("What they were built from.")] = field()
    names: Annotated[list[str], Doc("The image of each container.")] = field()
    platforms: Annotated[list[str], Doc("The platform of each container.")] = field()
    containers: Annotated[list[dagger.Container], Doc("What was published.")] = field()
    references: Annotated[list[str], Doc("Every tag, with the digest that it names.")] = field()
    record: Annotated[str, Doc("The same with its platforms, as JSON.")] = field()
    outcome: Annotated[Outcome, Doc("What the gate said, and the report.")] = field()

    @uncached
    async def sign(self) -> Outcome:
        """Sign the published digests, as [sign] in keelway.toml says."""
        from keelway.stages.sign import sign  # noqa: PLC0415 - registering is quick

        async def work(run: "Run", plan: "Plan") -> None:
            await sign(run, _delivery(plan).sign, published_in(self.record))

        async with open_workplace(self.project) as place:
            return await carry_out(place, work)

    @uncached
    async def attest(self) -> Outcome:
        """State under a signature what is known of the images: provenance, SBOMs, scan, tests.

        What is stated is found out once more, from the same containers.
        """
        from keelway import flow  # noqa: PLC0415 - registering is quick
        from keelway.stages.attest import attest  # noqa: PLC0415 - likewise

        images = to_images(self.names, self.platforms, self.containers)

        async def work(run: "Run", plan: "Plan") -> None:
            delivery = _delivery(plan)
            verified = await flow.prove(run, plan.verify, images)
            await attest(run, delivery.attest, published_in(self.record), verified)

        async with open_workplace(self.project) as place:
            return await carry_out(place, work)


async def publish_images(project: Project, images: "Images") -> Published:
    """Return what is in the registries, once the gate has let it pass.

    Raises:
        GateError: It has not.
        PlanError: The configuration names no registry, or no tag.
        KeelwayError: Something broke.
    """
    from keelway import flow  # noqa: PLC0415 - registering is quick
    from keelway.stages.publish import publish  # noqa: PLC0415 - likewise

    found: list[InRegistries] = []

    async def work(run: "Run", plan: "Plan") -> None:
        spec = _delivery(plan).publish
        verified = await flow.prove(run, plan.verify, images)
        found.append(await publish(run, spec, verified))

    async with open_workplace(project) as place:
        outcome = await carry_out(place, work)
    (published,) = found
    return Published(
        project=project,
        names=[variant.name for variant in images.variants],
        platforms=[variant.platform for variant in images.variants],
        containers=[variant.container for variant in images.variants],
        references=[tag.reference for image in published.images for tag in image.tags],
        record=json.dumps(asdict(published)),
        outcome=outcome,
    )


def published_in(record: str) -> InRegistries:
    """Return what a record tells of."""
    images: list[dict[str, Any]] = json.loads(record)["images"]
    return InRegistries(
        images=tuple(
            PublishedImage(
                name=image["name"],
                digest=Digest(image["digest"]),
                platforms=tuple(parse_platform(text) for text in image["platforms"]),
                tags=tuple(PublishedTag(**tag) for tag in image["tags"]),
            )
            for image in images
        )
    )


def _delivery(plan: "Plan") -> "DeliverPlan":
    """Return what is delivered.

    Raises:
        PlanError: Nothing is.
    """
    if isinstance(plan.deliver, Skipped):
        raise PlanError(
            "nothing can be published",
            why=plan.deliver.reason,
            next_step="correct that in keelway.toml, or give what is missing with --variables",
        )
    return plan.deliver

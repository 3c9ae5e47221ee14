"""Images that are built, and what can be done with them: a function for each stage."""

from typing import TYPE_CHECKING, Annotated

import dagger
from dagger import Doc, dag

from keelway.errors import PlanError
from keelway.module.judging import judge, to_images
from keelway.module.outcome import Enforce, Outcome
from keelway.module.project import Project
from keelway.module.published import Published, publish_images
from keelway.module.registering import field, object_type, remembered, uncached

if TYPE_CHECKING:
    from keelway.model.image import Images
    from keelway.planning import Part

ImageName = Annotated[str | None, Doc("Which image, where there are several.")]


@object_type
class Built:
    """Images that are built: one container for each image and platform."""

    project: Annotated[Project, Doc("What they are built from.")] = field()
    names: Annotated[list[str], Doc("The image of each container.")] = field()
    platforms: Annotated[list[str], Doc("The platform of each container.")] = field()
    containers: Annotated[list[dagger.Container], Doc("All containers, in that order.")] = field()

    @remembered
    async def container(
        self,
        *,
        image: ImageName = None,
        platform: Annotated[
            dagger.Platform | None, Doc("Which platform; the engine's own when absent.")
        ] = None,
    ) -> dagger.Container:
        """Return one image for one platform, as a container."""
        name = self._one(image)
        variants = self._images().of(name)
        wanted = str(platform or await dag.default_platform())
        for variant in variants:
            if str(variant.platform) == wanted:
                return variant.container
        if platform is None:
            return variants[0].container
        there = ", ".join(variant.platform for variant in variants)
        raise PlanError(
            f"{name} is not built for {platform}",
            next_step=f"name one of its platforms ({there}), or add it to keelway.toml",
        )

    @remembered
    async def archive(self, *, image: ImageName = None) -> dagger.File:
        """Return an image with all its platforms as one OCI archive."""
        containers = [variant.container for variant in self._images().of(self._one(image))]
        return dag.container().as_tarball(platform_variants=containers)

    @uncached
    async def policy(self, *, enforce: Enforce = True) -> Outcome:
        """Hold the images against the policy: Dockerfile, configuration, content, size, start."""
        return await self._judged("policy", enforce=enforce)

    @uncached
    async def scan(self, *, enforce: Enforce = True) -> Outcome:
        """Look for vulnerabilities, secrets, wrong configuration and licences."""
        return await self._judged("scan", enforce=enforce)

    @uncached
    async def sbom(self) -> Outcome:
        """List what is in the images: the SBOMs are among the outcome's files."""
        return await self._judged("sbom", enforce=True)

    @uncached
    async def test(self, *, enforce: Enforce = True) -> Outcome:
        """Run the test suites beside the services of the compose file."""
        return await self._judged("integration", enforce=enforce)

    @uncached
    async def load(self, *, enforce: Enforce = True) -> Outcome:
        """Put the services under load, and hold the figures against the thresholds."""
        return await self._judged("load", enforce=enforce)

    @uncached
    async def verify(self, *, enforce: Enforce = True) -> Outcome:
        """Do everything that comes before publishing, and let the gate judge it."""
        return await self._judged(enforce=enforce)

    @uncached
    async def publish(self) -> Published:
        """Publish the images, if the gate lets them pass; what it gives can be signed."""
        return await publish_images(self.project, self._images())

    def _images(self) -> "Images":
        return to_images(self.names, self.platforms, self.containers)

    async def _judged(self, *parts: "Part", enforce: bool) -> Outcome:
        return await judge(self.project, self._images(), *parts, enforce=enforce)

    def _one(self, image: str | None) -> str:
        """Return the name of the image that is meant."""
        names = self._images().names()
        if image is None and len(names) == 1:
            return names[0]
        if image in names:
            return image
        raise PlanError(
            "there are several images" if image is None else f"there is no image '{image}'",
            next_step=f"name one of them with --image: {', '.join(names)}",
        )

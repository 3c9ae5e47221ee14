"""The main object: the whole flow, and where each stage begins."""

import copy
import dataclasses
import difflib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Self

import dagger
from dagger import DefaultPath, Doc, Ignore

from keelway._stage import SystemClock
from keelway.calling.listening import listener
from keelway.errors import PlanError
from keelway.model.platform import parse_platform
from keelway.module.built import Built
from keelway.module.judging import judge, to_images
from keelway.module.outcome import Enforce, Outcome, carry_out
from keelway.module.project import IGNORED, Project
from keelway.module.registering import check, field, object_type, remembered, uncached
from keelway.module.verifying import verify_published
from keelway.module.workplace import open_copy, open_workplace

if TYPE_CHECKING:
    from keelway._stage import Run
    from keelway.planning import Part, Plan
    from keelway.stages.build import BuildSpec

_REASON = "only the build was asked for"
_ONLY_BUILT: "dict[Part, str]" = {
    "policy": _REASON, "scan": _REASON, "sbom": _REASON, "integration": _REASON,
    "load": _REASON, "publish": _REASON,
}  # fmt: skip

Source = Annotated[
    dagger.Directory | None,
    Doc("The repository, with .git for the tags; the module's own argument when absent."),
    Ignore(IGNORED),
]


@object_type
class Keelway:
    """Releases container images with proof: from one commit to signed, attested images."""

    source: Annotated[
        dagger.Directory,
        DefaultPath("/"),
        Ignore(IGNORED),
        Doc("The repository, with .git for the tags: a folder, or a git address."),
    ] = field()
    path: Annotated[str, Doc("The folder of keelway.toml in the repository.")] = field(default=".")
    config: Annotated[
        dagger.File | None, Doc("A configuration that takes the place of its keelway.toml.")
    ] = field(default=None)
    variables: Annotated[
        list[str],
        Doc(
            "Environment variables, each as NAME=VALUE: what a CI says of its job, for the tags, "
            "and SOURCE_DATE_EPOCH. A module sees no others."
        ),
    ] = field(default=list)
    secret_names: Annotated[list[str], Doc("What `with-secret` named.")] = field(
        default=list, init=False
    )
    secrets: Annotated[list[dagger.Secret], Doc("What `with-secret` gave, in that order.")] = field(
        default=list, init=False
    )

    @remembered
    async def with_secret(
        self,
        *,
        name: Annotated[str, Doc("The NAME of an `env://NAME` in keelway.toml.")],
        value: Annotated[dagger.Secret, Doc("What it stands for.")],
    ) -> Self:
        """Return the same with a secret that keelway.toml refers to as `env://NAME`."""
        changed = copy.copy(self)
        changed.secret_names = [*self.secret_names, name]
        changed.secrets = [*self.secrets, value]
        return changed

    @remembered
    async def plan(
        self,
        *,
        source: Source = None,
        as_data: Annotated[bool, Doc("Give it as JSON.")] = False,
    ) -> str:
        """Tell what a release would do, what is left out, and why."""
        from keelway._cli.plan_view import plan_data, plan_text  # noqa: PLC0415 - only here

        async with open_workplace(self._project(source)) as place:
            data = plan_data(place.loaded, place.facts, place.plan)
        return json.dumps(data, indent=2, ensure_ascii=False) if as_data else plan_text(data)

    @remembered
    async def tags(self, *, source: Source = None) -> list[str]:
        """Return the tags of this commit, by the rules of keelway.toml."""
        from keelway.facts.release import release_names  # noqa: PLC0415 - registering is quick

        async with open_copy(self._project(source)) as place:
            return list(release_names(place.loaded.config, place.facts).tags)

    @uncached
    async def build(
        self,
        *,
        source: Source = None,
        images: Annotated[
            list[str] | None, Doc("Which images of keelway.toml; all when absent.")
        ] = None,
        platforms: Annotated[
            list[dagger.Platform] | None, Doc("For which platforms; as configured when absent.")
        ] = None,
    ) -> Built:
        """Build the images. What it gives has a function for each further stage."""
        from keelway.stages.build import build  # noqa: PLC0415 - registering is quick

        project = self._project(source)
        async with open_workplace(project, _ONLY_BUILT) as place:
            spec = _narrowed(place.plan.verify.build, images or (), platforms or ())
            with listener() as observer:
                async with place.open_run(observer, SystemClock()) as run:
                    found = await build(run, spec)
        return Built(
            project=project,
            names=[variant.name for variant in found.variants],
            platforms=[variant.platform for variant in found.variants],
            containers=[variant.container for variant in found.variants],
        )

    @remembered
    async def image(
        self,
        *,
        container: Annotated[dagger.Container, Doc("An image: by reference, or from a function.")],
        name: Annotated[str, Doc("What it is called in reports.")] = "image",
    ) -> Built:
        """Take an image that is there already in place of one that is built here."""
        return Built(
            project=self._project(None),
            names=[name],
            platforms=[await container.platform()],
            containers=[container],
        )

    @uncached
    async def verify(self, *, source: Source = None, enforce: Enforce = True) -> Outcome:
        """Build the images and judge them; nothing leaves the engine."""
        without: dict[Part, str] = {"publish": "`verify` publishes nothing"}
        async with open_workplace(self._project(source), without) as place:
            return await carry_out(place, _verify, enforce=enforce)

    @uncached
    async def release(
        self,
        *,
        source: Source = None,
        publish: Annotated[bool, Doc("Publish what passes.")] = True,
        enforce: Enforce = True,
    ) -> Outcome:
        """Build, judge, publish, sign and attest the images of this commit."""
        from keelway import flow  # noqa: PLC0415 - registering is quick

        without: dict[Part, str] = {} if publish else {"publish": "--publish=false was given"}
        async with open_workplace(self._project(source), without) as place:
            return await carry_out(place, flow.release, enforce=enforce)

    @uncached
    async def verify_image(
        self,
        *,
        image: Annotated[str, Doc("The published image, by tag or digest.")],
        key: Annotated[dagger.File | None, Doc("The public key that signed it.")] = None,
        identity: Annotated[
            str | None, Doc("Exact identity of a keyless signature; with its issuer.")
        ] = None,
        issuer: Annotated[str | None, Doc("Exact OIDC issuer of a keyless signature.")] = None,
        signature_only: Annotated[bool, Doc("Ask for a signature, and nothing else.")] = False,
    ) -> str:
        """Check a published image: its signature and all its evidence."""
        async with open_copy(self._project(None)) as place:
            return await verify_published(
                place, image, key, identity=identity, issuer=issuer, signature_only=signature_only
            )

    @check
    async def check_plan(self) -> None:
        """Pass when keelway.toml is right, and what it asks for can be done."""
        async with open_workplace(self._project(None)):
            return

    @check
    async def check_policy(self) -> None:
        """Pass when the images keep to the policy."""
        await self._checked("policy")

    @check
    async def check_scan(self) -> None:
        """Pass when nothing is found in the images that the gate refuses."""
        await self._checked("scan")

    @check
    async def check_tests(self) -> None:
        """Pass when the test suites do."""
        await self._checked("integration")

    async def _checked(self, part: "Part") -> None:
        built = await self.build()
        images = to_images(built.names, built.platforms, built.containers)
        await judge(built.project, images, part, enforce=True)

    def _project(self, source: dagger.Directory | None) -> Project:
        return Project(
            source=self.source if source is None else source,
            path=self.path,
            config=self.config,
            variables=self.variables,
            secret_names=self.secret_names,
            secrets=self.secrets,
        )


async def _verify(run: "Run", plan: "Plan") -> None:
    from keelway import flow  # noqa: PLC0415 - registering is quick

    await flow.verify(run, plan.verify)


def _narrowed(spec: "BuildSpec", images: Sequence[str], platforms: Sequence[str]) -> "BuildSpec":
    """Return the same with some of the images, for some of the platforms.

    Raises:
        PlanError: There is no such image, or no such platform.
    """
    known = [image.name for image in spec.images]
    for name in images:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            raise PlanError(
                f"there is no image '{name}' in keelway.toml",
                next_step=f"{hint}It has: {', '.join(known)}",
            )
    wanted = tuple(dict.fromkeys(parse_platform(text) for text in platforms))
    return dataclasses.replace(
        spec,
        images=tuple(
            dataclasses.replace(image, platforms=wanted or image.platforms)
            for image in spec.images
            if not images or image.name in images
        ),
    )

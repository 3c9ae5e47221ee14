"""Build every image for every platform, side by side.

Example:
    >>> spec = BuildSpec(images=(ImageSpec(name="orders", context="services/orders"),))
    >>> [str(platform) for platform in spec.images[0].platforms]
    ['linux/amd64', 'linux/arm64']
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._contexts import left_out
from keelway._final_base import read_base, with_base_labels
from keelway._local_files import local_directory
from keelway._secrets import plan_secret, read_secret
from keelway._stage import Run, failures_of, stage
from keelway._together import SIDE_BY_SIDE, Coming, each
from keelway.errors import PlanError
from keelway.facts.release import release_texts
from keelway.model.image import BuiltImage, Images
from keelway.model.platform import AMD64, ARM64, Platform, parse_platform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import dagger

    from keelway.config import Config, ImageConfig
    from keelway.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSpec:
    """A secret that build steps read by `RUN --mount=type=secret,id=...`."""

    id: str
    """What the Dockerfile calls it."""
    source: str
    """`env://NAME`, `file:///PATH` or `cmd://COMMAND`; what else the engine reads, as `op://...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """One image and how it is built."""

    name: str = "app"
    """What it is called: the last part of its repository."""
    context: str = "."
    """The build context, a directory of this machine."""
    dockerfile: str = "Dockerfile"
    """Relative to the context."""
    target: str | None = None
    """The stage of the Dockerfile; the last one when absent."""
    platforms: tuple[Platform, ...] = (AMD64, ARM64)
    """What it is built for, side by side."""
    build_args: Mapping[str, str] = field(default_factory=dict[str, str])
    """Build arguments by name; the image's history shows them."""
    secrets: tuple[SecretSpec, ...] = ()
    """Secrets for build steps."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Set over what the base image says under the same keys."""
    annotations: Mapping[str, str] | None = None
    """Set in each platform's manifest; the labels when absent."""
    exclude: tuple[str, ...] = (".git",)
    """What is left out of the context, beside what `.dockerignore` leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """What is built."""

    images: tuple[ImageSpec, ...] = (ImageSpec(),)
    """Built side by side, each for all its platforms."""
    at_once: int = SIDE_BY_SIDE
    """So many are built at once, counted for each platform."""


def plan_build(config: Config, facts: Facts) -> BuildSpec:
    """Return what is built, with every label, argument and base decided.

    Raises:
        PlanError: When a platform is unknown, a base is not pinned, or a path or a variable that a
            build needs is missing.
    """
    texts = release_texts(config, facts)
    labels, reports = texts.labels(), facts.resolve(config.report.directory)
    planned: list[ImageSpec] = []
    for name, image in config.images.items():
        spec = _plan_image(name, image, facts)
        planned.append(
            replace(
                spec,
                labels={**texts.standard_labels(name), **labels},
                annotations=texts.annotations(name).manifest,
                exclude=_exclude(Path(spec.context), reports),
            )
        )
    return BuildSpec(images=tuple(planned))


def _plan_image(name: str, image: ImageConfig, facts: Facts) -> ImageSpec:
    context = facts.resolve(image.context)
    if facts.kind_of(image.context) not in {None, "directory"}:
        raise PlanError(
            f"images.{name}: the build context {image.context} is no directory",
            next_step=f"set images.{name}.context to a directory, relative to {facts.root}",
        )
    if facts.kind_of(image.dockerfile_path) not in {None, "file"}:
        raise PlanError(
            f"images.{name}: there is no {image.dockerfile} in {image.context}",
            next_step=f"write it, or set images.{name}.dockerfile, relative to the context",
        )
    return ImageSpec(
        name=name,
        context=str(context),
        dockerfile=image.dockerfile,
        target=image.target,
        platforms=tuple(dict.fromkeys(parse_platform(text) for text in image.platforms)),
        build_args={**image.build_args, **_bases(name, image, facts)},
        secrets=tuple(
            SecretSpec(
                id=secret.id,
                source=plan_secret(
                    secret.source, facts, what=f"images.{name}: the build secret '{secret.id}'"
                ),
            )
            for secret in (() if facts.untrusted else image.secrets)
        ),
    )


def _bases(name: str, image: ImageConfig, facts: Facts) -> dict[str, str]:
    for argument, base in image.bases.items():
        if base not in facts.pins:
            raise PlanError(
                f"images.{name}.bases: {argument} needs the base image '{base}', which is not "
                "pinned in keelway.lock",
                next_step=f"run `keelway base {base}` once, and commit keelway.lock",
            )
    return {argument: facts.pins[base].reference for argument, base in image.bases.items()}


def _exclude(context: Path, reports: Path) -> tuple[str, ...]:
    inside = reports.is_relative_to(context) and reports != context
    return (".git", *((reports.relative_to(context).as_posix(),) if inside else ()))


@stage("build")
async def build(run: Run, spec: BuildSpec, begun: Callable[[Images], None] | None = None) -> Images:
    """Return one container for each image and platform, built and labelled.

    Args:
        run: The run.
        spec: The images.
        begun: Is told of all images as soon as one is built, for those who do not wait for the
            slowest: `BuiltImage.built()` waits for one. Where a build fails, stop them.

    Raises:
        PlanError: A build context or a secret is missing.
        ToolError: A step of a Dockerfile failed; names the step, its exit code and its output.
        StageError: The engine refused the build, for example because of the Dockerfile.
    """
    prepared = await each(lambda image: _prepare(run, image), spec.images)
    variants = [variant for variants in prepared for variant in variants]
    coming = await each(partial(_coming, run), variants)
    every = Images(variants=tuple(one.image for one in coming))

    async def built(one: _Coming) -> BuiltImage:
        async with run.builds or nullcontext():
            image = await _built(one)
        if begun is not None:
            begun(every)
        return image

    work = run.watched("build", lambda one: one.image.label, built)
    return Images(variants=await each(work, coming, limit=spec.at_once))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variant:
    """One image for one platform, before it is built."""

    image: ImageSpec
    platform: Platform
    container: dagger.Container
    secrets: tuple[str, ...]
    """Values that must not appear in an error."""
    base: str
    """What the final stage is built on; empty for scratch."""

    @property
    def platform_name(self) -> dagger.Platform:
        """The platform, as the SDK takes it."""
        import dagger  # noqa: PLC0415 - planning imports this module

        return dagger.Platform(self.platform)


async def _prepare(run: Run, image: ImageSpec) -> list[_Variant]:
    """Return the image's builds, one a platform: nothing runs yet."""
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    exclude = await left_out(image.context, image.dockerfile, image.exclude)
    context = local_directory(run, image.context, exclude=exclude)
    file = anyio.Path(image.context) / image.dockerfile
    base = await read_base(file, image.build_args, image.target or "")
    values = {
        secret.id: await read_secret(
            run, secret.source, stage="build", what=f"{image.name}: the build secret '{secret.id}'"
        )
        for secret in image.secrets
    }
    # Dockerfiles find a secret by its name; one that comes from an address has none.
    secrets = [run.dag.set_secret(name, value) for name, value in values.items()]
    arguments = [dagger.BuildArg(name, value) for name, value in image.build_args.items()]
    return [
        _Variant(
            image=image,
            platform=platform,
            container=context.docker_build(
                dockerfile=image.dockerfile,
                platform=dagger.Platform(platform),
                build_args=arguments,
                target=image.target or "",
                secrets=secrets,
            ),
            secrets=tuple(values.values()),
            base=base,
        )
        for platform in image.platforms
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coming:
    """One image for one platform while it is built."""

    image: BuiltImage
    give: Callable[[BuiltImage], None]
    """Gives it to those who wait for it."""
    secrets: tuple[str, ...]
    """Values that must not appear in an error."""


async def _coming(run: Run, variant: _Variant) -> _Coming:
    """Return the image as it will be, labelled: nothing runs yet."""
    image, base = variant.image, variant.base
    container = await with_base_labels(run, variant.container, base, variant.platform_name)
    for key, value in image.labels.items():
        container = container.with_label(key, value)
    said = image.labels if image.annotations is None else image.annotations
    for key, value in said.items():
        container = container.with_annotation(key, value)
    place: Coming[BuiltImage] = Coming()
    named = BuiltImage(
        name=image.name, platform=variant.platform, container=container, coming=place.wait
    )
    return _Coming(image=named, give=place.give, secrets=variant.secrets)


async def _built(one: _Coming) -> BuiltImage:
    with failures_of("build", f"building {one.image.label}", one.secrets):
        built = replace(one.image, container=await one.image.container.sync(), coming=None)
    one.give(built)
    return built

"""Where a service's container comes from, and what its image says of itself."""

from __future__ import annotations

import json
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.to_thread

from keelway._contexts import left_out
from keelway._kept import REPORT_DIRECTORY
from keelway._local_files import local_directory
from keelway._secrets import read_secret
from keelway._stage import failures_of
from keelway.errors import PlanError
from keelway.model.platform import parse_platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import dagger

    from keelway._stage import Run
    from keelway.compose.project import Build, Project, Service
    from keelway.model.image import BuiltImage, Images
    from keelway.model.platform import Platform
    from keelway.model.registry import RegistrySpec

_INLINE = ".keelway.Dockerfile"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """What an image's configuration says (OCI image specification, "Properties")."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    user: str = ""
    variables: frozenset[str] = frozenset()
    volumes: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    """Those of TCP that it exposes."""
    stop_signal: str = ""
    healthcheck: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """As Docker writes it: `Test`, `Interval` in nanoseconds, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A service's image, ready to be run."""

    container: dagger.Container
    settings: ImageSettings
    built: str | None
    """The image of this build that it is, if it is one."""


def built_image(
    service: Service,
    names: Sequence[str],
    mapping: Mapping[str, str],
    registries: Sequence[RegistrySpec] = (),
) -> str | None:
    """Return the image of this build that a service is, nothing when it is another one.

    A mapping goes first; then the name of the service's image, with or without one of the
    registries that images are published to; a service that is only built goes by its own name.
    """
    if service.name in mapping:
        return mapping[service.name]
    if service.image is None:
        return service.name if service.build is not None and service.name in names else None
    repository = service.image.partition("@")[0]
    head, slash, last = repository.rpartition("/")
    repository = head + slash + last.partition(":")[0]
    known = {name: name for name in names}
    known |= {registry.repository(name): name for registry in registries for name in names}
    return known.get(repository)


def variant_of(
    images: Images, name: str, platform: Platform | None, native: Platform
) -> BuiltImage:
    """Return one image for the platform that is asked for, else for the engine's own, else any.

    Raises:
        PlanError: It was not built, or not for this platform.
    """
    variants = {variant.platform: variant for variant in images.of(name)}
    if not variants:
        raise PlanError(f"the image {name} is not built here")
    if platform is not None and platform not in variants:
        raise PlanError(
            f"the image {name} is not built for {platform}",
            next_step=f"ask for one of {', '.join(variants)}",
        )
    return variants.get(platform or native) or next(iter(variants.values()))


async def open_image(
    run: Run,
    project: Project,
    service: Service,
    *,
    native: Platform,
    stage: str,
    reading: str = "",
) -> dagger.Container:
    """Return the container of a service that keelway does not build: of its image, or its build.

    An engine reads a folder of the host once a session: another `reading`, a word that is no name
    of a file, has it read again.

    Raises:
        PlanError: A secret of the build cannot be read.
        StageError: The image cannot be had.
    """
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    platform = dagger.Platform(parse_platform(service.platform) if service.platform else native)
    if service.build is not None:
        return await _build(run, project, service, service.build, platform, stage, reading=reading)
    if service.image is None:  # not a service of a compose file: one that BusyBox is enough for
        return run.dag.container(platform=platform)
    doing = f"{service.place}: service {service.name}: getting the image {service.image}"
    with failures_of(stage, doing):
        return await run.dag.container(platform=platform).from_(service.image or "").sync()


async def _build(  # noqa: PLR0913 - as much decides what is built
    run: Run,
    project: Project,
    service: Service,
    build: Build,
    platform: dagger.Platform,
    stage: str,
    *,
    reading: str,
) -> dagger.Container:
    import dagger  # noqa: PLC0415 - as above

    context = await _context(run, build, *([reading] if reading else []))
    dockerfile = build.dockerfile or "Dockerfile"
    if build.dockerfile_inline is not None:
        dockerfile = _INLINE
        context = context.with_new_file(_INLINE, build.dockerfile_inline)
    secrets: list[dagger.Secret] = []
    values: list[str] = []
    for grant in build.secrets:
        source = project.secrets[grant.source]
        what = f"{source.place or service.place}: the secret {grant.source}"
        value = await read_secret(run, source_address(source), stage=stage, what=what)
        secrets.append(run.dag.set_secret(grant.target or grant.source, value))
        values.append(value)
    doing = f"{service.place}: building service {service.name}"
    with failures_of(stage, doing, values):
        container = context.docker_build(
            dockerfile=dockerfile,
            platform=platform,
            build_args=[dagger.BuildArg(name, value) for name, value in build.args.items()],
            target=build.target or "",
            secrets=secrets,
        )
        for name, value in build.labels.items():
            container = container.with_label(name, value)
        return await container.sync()


async def _context(run: Run, build: Build, *excluded: str) -> dagger.Directory:
    if "://" not in build.context and not build.context.startswith("git@"):
        exclude = await left_out(
            build.context,
            build.dockerfile or "Dockerfile",
            (".git", REPORT_DIRECTORY, *excluded),
        )
        return local_directory(run, build.context, exclude=exclude)
    url, _, fragment = build.context.partition("#")
    ref, _, folder = fragment.partition(":")
    repository = run.dag.git(url)
    tree = (repository.ref(ref) if ref else repository.head()).tree()
    return tree.directory(folder) if folder else tree


def source_address(source: Any) -> str:
    """Return the address of a secret of the project, as the engine's client reads it."""
    return f"file://{source.file}" if source.file is not None else f"env://{source.environment}"


async def read_settings(run: Run, container: dagger.Container, *, stage: str) -> ImageSettings:
    """Return what a container's image says of itself."""
    return parse_settings(await read_config(run, container, stage=stage))


async def read_config(run: Run, container: dagger.Container, *, stage: str) -> Mapping[str, Any]:
    """Return the part `config` of a container's image.

    Read from an archive of the image without its files: the SDK's own way to ask for the health
    check differs between its releases, and it has none for volumes and the stop signal.
    """
    bare = run.dag.directory().with_new_file("empty", "")
    with tempfile.TemporaryDirectory(prefix="keelway-stack-") as folder:
        archive = Path(folder, "image.tar")
        with failures_of(stage, "reading an image's configuration"):
            await container.with_rootfs(bare).as_tarball().export(str(archive))
        return await anyio.to_thread.run_sync(_config, archive)


def parse_settings(config: Mapping[str, Any]) -> ImageSettings:
    """Return the settings out of the part `config` of an image's configuration."""

    def words(key: str) -> tuple[str, ...]:
        return tuple(cast("Sequence[str]", config.get(key) or ()))

    return ImageSettings(
        entrypoint=words("Entrypoint"),
        command=words("Cmd"),
        shell=words("Shell") or ("/bin/sh", "-c"),
        user=str(config.get("User") or ""),
        variables=frozenset(pair.partition("=")[0] for pair in words("Env")),
        volumes=tuple(cast("Mapping[str, object]", config.get("Volumes") or {})),
        ports=tuple(
            int(number)
            for text in cast("Mapping[str, object]", config.get("ExposedPorts") or {})
            for number, _, protocol in [text.partition("/")]
            if protocol in {"", "tcp"}
        ),
        stop_signal=str(config.get("StopSignal") or ""),
        healthcheck=cast("Mapping[str, Any]", config.get("Healthcheck") or {}),
    )


def _config(archive: Path) -> Mapping[str, Any]:
    with tarfile.open(archive) as tar:

        def blob(name: str) -> dict[str, Any]:
            stream = tar.extractfile(name)
            return cast("dict[str, Any]", json.loads(stream.read() if stream else b"{}"))

        found = blob("index.json")
        while "config" not in found:
            found = blob(f"blobs/{found['manifests'][0]['digest'].replace(':', '/')}")
        image = blob(f"blobs/{found['config']['digest'].replace(':', '/')}")
    return cast("Mapping[str, Any]", image.get("config") or {})

"""All that decides what services do: what it takes to say that nothing of it changed.

Images count by what is in them, files of the host by their contents, the project by what it says,
wherever it lies and on whichever line. Secrets count by name: neither their values nor digests of
them are in what is returned.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio

from keelway._local_files import local_directory, local_file
from keelway._secrets import read_secret
from keelway._stage import failures_of
from keelway._together import each
from keelway.compose.project import MountKind
from keelway.model.platform import parse_platform
from keelway.stack.images import open_image, read_config, source_address, variant_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import dagger

    from keelway._stage import Run
    from keelway.compose.project import Mount, Project, Service
    from keelway.model.image import Images
    from keelway.model.platform import Platform
    from keelway.stack.spec import StackSpec

_ELSEWHERE = frozenset({"place", "beside", "notes", "reuse"})
"""Where something was written does not decide what it does; what is beside it is told apart."""


async def stack_inputs(
    run: Run, spec: StackSpec, images: Images, *, stage: str
) -> dict[str, object]:
    """Return what decides how the services of a stack behave, as JSON has it.

    Args:
        run: The run.
        spec: What is started.
        images: What was built.
        stage: Which stage it is for, for errors.

    Raises:
        PlanError: A secret of a build cannot be read, or an image is not built.
        StageError: An image or a file cannot be had.
    """
    with failures_of(stage, "asking the engine for its platform"):
        native = parse_platform(await run.dag.default_platform())
    services = list(spec.chosen().values())
    if spec.tests is not None:
        services.append(spec.tests.service)
    project, folder = spec.project, spec.project.folder

    async def one(service: Service) -> dict[str, object]:
        built = spec.built.get(service.name)
        if built is not None:
            image = await variant_of(images, built, spec.platform, native).built()
            what: object = await image_identity(run, image.container, stage=stage)
        else:
            what = await _foreign(run, project, service, native, stage)
        return {
            "service": described(service, folder),
            "image": what,
            "files": await _files(run, project, service, stage),
        }

    return {
        "native": str(native),
        "platform": spec.platform,
        "services": list(await each(one, services)),
        "tests": None
        if spec.tests is None
        else described(dataclasses.replace(spec.tests, service=cast("Any", None)), folder),
        "project": [project.name, *(described(part, folder) for part in _tops(project))],
        "relays": described(spec.relays, folder),
        "start_limit_s": spec.start_limit_s,
    }


async def image_identity(run: Run, container: dagger.Container, *, stage: str) -> list[object]:
    """Return what tells an image from all others: its files, its configuration, its platform."""
    with failures_of(stage, "asking for the digest of an image"):
        files = await container.rootfs().digest()
        platform = str(await container.platform())
    return [platform, files, dict(await read_config(run, container, stage=stage))]


def described(value: object, folder: Path) -> object:
    """Return a value of the model as JSON has it, without the place where it was written.

    >>> described({"source": "/shop/data", "mode": 0o644, "name": Path("/shop/x")}, Path("/shop"))
    {'source': './data', 'mode': 420, 'name': './x'}
    """
    told: object = value
    if dataclasses.is_dataclass(value):
        told = {
            one.name: getattr(value, one.name)
            for one in dataclasses.fields(value)
            if one.name not in _ELSEWHERE
        }
    match told:
        case Enum():
            told = told.value
        case str() | Path():
            text = str(told)
            told = f".{text[len(str(folder)) :]}" if Path(text).is_relative_to(folder) else text
        case Mapping():
            pairs = cast("Mapping[object, object]", told)
            told = {str(key): described(one, folder) for key, one in pairs.items()}
        case tuple() | list():
            told = [described(one, folder) for one in cast("tuple[object, ...]", told)]
        case set() | frozenset():
            told = sorted(str(one) for one in cast("set[object]", told))
        case _:
            pass
    return told


def _tops(project: Project) -> Iterable[object]:
    return (project.networks, project.volumes)


async def _foreign(
    run: Run, project: Project, service: Service, native: Platform, stage: str
) -> object:
    """Return what tells the image of a service that is not built here."""
    container = await open_image(run, project, service, native=native, stage=stage)
    if service.image is None or service.build is not None:
        return await image_identity(run, container, stage=stage)
    with failures_of(stage, f"asking for the digest of {service.image}"):
        return [str(await container.platform()), await container.image_ref()]


async def _files(run: Run, project: Project, service: Service, stage: str) -> dict[str, object]:
    """Return the digests of what a service is given of this machine, by where it gets it."""
    found: dict[str, object] = {}
    for mount in service.mounts:
        if mount.kind is MountKind.BIND:
            with failures_of(stage, f"reading {mount.source}"):
                found[mount.target] = await _bound(run, mount)
    for grant in service.configs:
        source = project.configs[grant.source]
        told = described(source, project.folder)
        if source.file is not None:
            with failures_of(stage, f"reading {source.file}"):
                told = [told, await local_file(run, source.file).digest(exclude_metadata=True)]
        elif source.environment is not None:
            what = f"the config {source.name}"
            text = await read_secret(run, source_address(source), stage=stage, what=what)
            told = [told, hashlib.sha256(text.encode()).hexdigest()]
        found[f"config {grant.source}"] = told
    for grant in service.secrets:  # by name alone
        source = project.secrets[grant.source]
        found[f"secret {grant.source}"] = described(source, project.folder)
    return found


async def _bound(run: Run, mount: Mount) -> str | None:
    source = anyio.Path(mount.source or "")
    if await source.is_file():
        return await local_file(run, str(source)).digest()
    if await source.is_dir():
        return await local_directory(run, str(source)).digest()
    return None

"""Make a base image out of a distribution's packages, for every platform, and publish it.

The same packages give the same digest. Nothing is emulated: the packages are extracted, and what
their installation scripts would have done for a container is done by `keelway.rootfs`.

Example:
    >>> spec = BaseSpec(name="python", packages=("python3",), repository="localhost:5000/python")
    >>> spec.inputs() == BaseSpec(name="py", packages=("python3",), repository="x/y").inputs()
    False
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._local_files import local_file
from keelway._secrets import open_secret, plan_secret
from keelway._stage import Run, failures_of, stage
from keelway._tools.apt_sources import AptSource, sources_of
from keelway._tools.mmdebstrap import PROGRAM, REMEDY
from keelway.errors import PlanError, StageError
from keelway.model.image import Reference
from keelway.model.outcome import Skipped
from keelway.model.platform import AMD64, ARM64, Platform, architecture, file_name, parse_platform
from keelway.rootfs.archive import write_archive
from keelway.rootfs.making import Recipe, make_layers
from keelway.tags.reference import parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.config import BaseConfig, Config
    from keelway.facts import Facts
    from keelway.rootfs.layer import Layer

RECIPE = 1
"""Raised when the same packages would be made into other bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseLogin:
    """How to log in to the registry."""

    username: str
    """Whom to log in as."""
    password: str
    """Where the password is read: `env://NAME`, `file:///PATH` or `cmd://COMMAND`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSpec:
    """One base image."""

    name: str
    """As the configuration calls it."""
    repository: str
    """Where it is pushed, with the registry and without a tag; the tag is the suite."""
    packages: tuple[str, ...]
    """What is installed; what they depend on comes along."""
    suite: str = "bookworm"
    """The release of Debian, as in `bookworm`."""
    platforms: tuple[Platform, ...] = (AMD64, ARM64)
    """What it is made for."""
    mirror: str | None = None
    """Where the packages come from; `sources` when absent."""
    sources: tuple[str, ...] = ()
    """Lines of a sources.list, when there is no mirror; the distribution's own when empty."""
    epoch: int | None = None
    """No file is newer, in seconds since 1970; the packages' newest file decides when absent."""
    leave_out: tuple[str, ...] = ()
    """Paths that are left out, with all below them; `*` stands for anything but a slash."""
    login: BaseLogin | None = None
    """How to log in to the repository, where it asks for that."""

    def inputs(self) -> str:
        """Return the digest of all that was decided by the user: the same again is the same image.

        Which mirror serves this machine is no part of it: the packages are the same everywhere.
        """
        parts = (RECIPE, self.suite, sorted(self.packages), sorted(self.platforms), self.mirror)
        # What says nothing new is no part: a lock file of before goes on being right.
        left_out = [sorted(self.leave_out)] if self.leave_out else []
        text = json.dumps([*parts, self.epoch, self.repository, *left_out])
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseVariant:
    """A base image for one platform, as it was made."""

    platform: Platform
    """What it is for."""
    packed_bytes: int
    """Its layer, compressed."""
    content_bytes: int
    """Its layer, unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """A base image in its registry."""

    name: str
    """As the configuration calls it."""
    reference: Reference
    """By digest."""
    inputs: str
    """Digest of everything it was made from."""
    variants: tuple[BaseVariant, ...]
    """The image for each platform."""


def plan_base(
    name: str,
    config: Config,
    facts: Facts,
    sources: Sequence[AptSource] = (),
    *,
    again: bool = False,
) -> BaseSpec | Skipped:
    """Return what has to be made, or why nothing has to.

    Args:
        name: The base image, as it is called in the configuration.
        config: What was written.
        facts: What is true here, with the pins of `keelway.lock`.
        sources: The machine's own package sources.
        again: Whether it is made although its inputs are unchanged, for newer packages.

    Raises:
        PlanError: When there is no such base image, mmdebstrap is not installed, or this is a pull
            request of a fork, which publishes nothing.
    """
    if facts.untrusted is not None:
        raise PlanError(
            f"the base image '{name}' is not made here: {facts.untrusted}",
            next_step="make it where your own branches are built",
        )
    written = config.base.get(name)
    if written is None:
        known = ", ".join(sorted(config.base)) or "none is configured"
        raise PlanError(
            f"there is no base image '{name}'",
            next_step=f"add [base.{name}] to the configuration; known: {known}",
        )
    spec = _spec(name, written, config, facts, sources)
    pin = facts.pins.get(name)
    if pin is not None and pin.inputs == spec.inputs() and not again:
        return Skipped(f"its inputs are unchanged: {pin.reference}")
    if PROGRAM not in facts.programs:
        raise PlanError(f"base.{name} needs {PROGRAM}, which is not installed", next_step=REMEDY)
    return spec


def _spec(
    name: str, written: BaseConfig, config: Config, facts: Facts, sources: Sequence[AptSource]
) -> BaseSpec:
    return BaseSpec(
        name=name,
        repository=written.repository,
        packages=tuple(dict.fromkeys(written.packages)),
        suite=written.suite,
        platforms=tuple(dict.fromkeys(parse_platform(text) for text in written.platforms)),
        mirror=written.mirror,
        sources=() if written.mirror else sources_of(sources, written.suite),
        epoch=written.epoch,
        leave_out=tuple(dict.fromkeys(written.leave_out)),
        login=_login(written, config, facts),
    )


def _login(written: BaseConfig, config: Config, facts: Facts) -> BaseLogin | None:
    """Return the login of the configured registry that the repository is in."""
    host = parse_reference(written.repository).host
    for registry in config.registries:
        if registry.username is None or registry.password is None:
            continue
        if registry.url.partition("/")[0] == host:
            what = f"the password for {registry.url}"
            return BaseLogin(
                username=registry.username,
                password=plan_secret(registry.password, facts, what=what),
            )
    return None


@stage("base")
async def make_base(run: Run, spec: BaseSpec, environment: Mapping[str, str]) -> BaseImage:
    """Return the base image as it is in the registry now.

    Args:
        run: The engine's client and the observer.
        spec: What is made.
        environment: The environment for mmdebstrap: search path, proxies.

    Raises:
        ToolError: mmdebstrap failed: a package does not exist, a mirror does not answer.
        StageError: The registry did not take the image.
    """
    with tempfile.TemporaryDirectory(prefix="keelway-base-", ignore_cleanup_errors=True) as name:
        work = Path(name)
        await anyio.Path(work).chmod(0o755)  # without root, mmdebstrap works under other ids
        recipe = Recipe(
            name=spec.name,
            suite=spec.suite,
            packages=spec.packages,
            platforms=spec.platforms,
            sources=(spec.mirror,) if spec.mirror else spec.sources,
            epoch=spec.epoch,
            leave_out=spec.leave_out,
        )
        for platform in spec.platforms:
            run.say("base", f"{spec.name} ({platform}): {spec.suite}: {', '.join(spec.packages)}")
        started = int(run.clock.now().timestamp())
        layers = await make_layers(recipe, work, environment, started=started)
        archives = {
            platform: await anyio.to_thread.run_sync(_archive, spec, platform, layer, work)
            for platform, layer in layers.items()
        }
        reference = await _publish(run, spec, archives)
    return BaseImage(
        name=spec.name,
        reference=reference,
        inputs=spec.inputs(),
        variants=tuple(
            BaseVariant(
                platform=platform, packed_bytes=layer.size, content_bytes=layer.content_bytes
            )
            for platform, layer in layers.items()
        ),
    )


def _archive(spec: BaseSpec, platform: Platform, layer: Layer, work: Path) -> Path:
    target = work / f"{file_name(platform)}.oci.tar"
    write_archive(
        layer,
        target,
        platform=platform,
        labels={
            "org.opencontainers.image.title": spec.name,
            "org.opencontainers.image.version": spec.suite,
            "org.opencontainers.image.description": (
                f"Debian {spec.suite} ({architecture(platform)}): {', '.join(spec.packages)}"
            ),
        },
    )
    return target


async def _publish(run: Run, spec: BaseSpec, archives: Mapping[Platform, Path]) -> Reference:
    import dagger  # noqa: PLC0415 - planning imports this module, and must not pay for the SDK

    variants = [
        run.dag.container(platform=dagger.Platform(platform)).import_(local_file(run, archive))
        for platform, archive in archives.items()
    ]
    pusher = run.dag.container()
    if spec.login is not None:
        host = spec.repository.partition("/")[0]
        secret = open_secret(run, spec.login.password)
        pusher = pusher.with_registry_auth(host, spec.login.username, secret)
    address = f"{spec.repository}:{spec.suite}"
    with failures_of("base", f"pushing {address}"):
        answer = await pusher.publish(address, platform_variants=variants)
    digest = parse_reference(answer).digest
    if digest is None:
        raise StageError(f"the engine answered no digest for {address}: {answer!r}", stage="base")
    return Reference(f"{spec.repository}@{digest}")

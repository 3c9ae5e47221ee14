"""Base images made, published and pinned in `keelway.lock`.

What `keelway base` calls. Nothing is done when the lock file pins an image that was made from the
same inputs and the registry still has it.
"""

from __future__ import annotations

import http.client
import ipaddress
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio

from keelway._replacing import replace_file
from keelway._stage import Run
from keelway._together import each
from keelway.config.lock import LOCK_FILE, Pin, render_lock
from keelway.errors import PlanError
from keelway.facts.apt import read_apt_sources
from keelway.model.events import Observer, Silent
from keelway.model.outcome import Skipped
from keelway.session import EngineChoice, open_session
from keelway.stages.base import BaseImage, BaseSpec, make_base, plan_base
from keelway.tags.reference import ImageReference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.config import Loaded
    from keelway.facts import Facts

_ANSWER_S = 3.0
"""A registry that does not answer in this time is taken to have what it had."""

_ACCEPT = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasesRun:
    """What came of it."""

    made: tuple[BaseImage, ...]
    unchanged: Mapping[str, str]
    """The reference of each base image that there was nothing to do for, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which base images are asked for, and by which engine they are published."""

    names: tuple[str, ...] = ()
    """All of the configuration when empty."""
    again: bool = False
    """Whether to make them although nothing changed, for newer packages."""
    engine: EngineChoice = EngineChoice.AUTO


async def update_bases(
    loaded: Loaded,
    facts: Facts,
    environment: Mapping[str, str],
    wanted: Wanted | None = None,
    observer: Observer | None = None,
) -> BasesRun:
    """Make the base images whose inputs changed, publish them, and pin them in the lock file.

    Args:
        loaded: The configuration.
        facts: What is true here.
        environment: The environment for mmdebstrap.
        wanted: Which base images; all of them when absent.
        observer: Who hears how it goes.

    Raises:
        PlanError: When there is no such base image, or none at all.
        KeelwayError: What stopped the work; what was made before is pinned all the same.
    """
    wanted = wanted or Wanted()
    names = wanted.names or tuple(sorted(loaded.config.base))
    if not names:
        raise PlanError(
            f"{loaded.file.name} configures no base image",
            next_step="add a table [base.NAME] with suite, packages and repository",
        )
    plan = partial(plan_base, config=loaded.config, facts=facts, sources=read_apt_sources())
    plans = {name: plan(name, again=wanted.again) for name in names}
    kept = {name: facts.pins[name].reference for name in names if _is_skipped(plans[name])}
    for name in await _gone(kept):
        plans[name] = plan(name, again=True)
        del kept[name]
    specs = [spec for spec in plans.values() if not isinstance(spec, Skipped)]
    if not specs:
        return BasesRun(made=(), unchanged=kept)
    observer = observer or Silent()
    pins = dict(facts.pins)
    async with open_session(wanted.engine, observer) as session:
        run = Run(session.client, observer)

        async def make(spec: BaseSpec) -> BaseImage:
            image = await make_base(run, spec, environment)
            pins[spec.name] = Pin(reference=image.reference, inputs=image.inputs)
            # Not in a thread: what one image left out could be written after what another told.
            replace_file(loaded.root / LOCK_FILE, render_lock(pins, loaded.monitoring_pins))
            return image

        made = await each(make, specs)
    return BasesRun(made=made, unchanged=kept)


def _is_skipped(plan: BaseSpec | Skipped) -> bool:
    return isinstance(plan, Skipped)


async def _gone(kept: Mapping[str, str]) -> list[str]:
    """Return the names of those that their registry says it does not have."""

    async def ask(name: str) -> bool | None:
        return await anyio.to_thread.run_sync(is_published, parse_reference(kept[name]))

    answers = await each(ask, kept)
    return [name for name, there in zip(kept, answers, strict=True) if there is False]


def is_published(reference: ImageReference) -> bool | None:
    """Return whether the registry has this digest; nothing when it does not tell.

    A registry that asks for a login, or does not answer, does not tell: it is not asked again with
    a password, since pulling the image will show.
    """
    connect = (
        http.client.HTTPConnection if _is_loopback(reference.host) else http.client.HTTPSConnection
    )
    path = f"/v2/{reference.path}/manifests/{reference.digest}"
    try:
        with closing(connect(reference.host, timeout=_ANSWER_S)) as connection:
            connection.request("HEAD", path, headers={"Accept": _ACCEPT})
            status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    return {200: True, 404: False}.get(status)


def _is_loopback(host: str) -> bool:
    """Return whether the registry is on this machine: those speak plain HTTP."""
    name = host.rsplit(":", 1)[0].strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

"""A release narrowed to the images that changed. Pure.

Images that tests start together are built together: when one of them changed, the others are built
too, for there is nothing else to start. When none of them did, these tests have nothing to tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelway.loadtest.spec import LoadSpec
from keelway.model.changes import Cause
from keelway.model.outcome import Skipped
from keelway.stages.integration import IntegrationSpec

if TYPE_CHECKING:
    from collections.abc import Collection

    from keelway.model.changes import Changes, ImageChange
    from keelway.stages.build import BuildSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What is left to do."""

    build: BuildSpec
    integration: IntegrationSpec | Skipped
    load: LoadSpec | Skipped
    changes: Changes | None
    """Which images are built, and why."""
    nothing: str | None = None
    """Why nothing at all is done, when nothing is."""


def narrow(
    build: BuildSpec,
    integration: IntegrationSpec | Skipped,
    load: LoadSpec | Skipped,
    changes: Changes | None,
) -> Narrowed:
    """Return what is left to do when only images are built that changed.

    Args:
        build: The build of all images.
        integration: The tests of all images.
        load: The load test.
        changes: Which images changed; everything is done when nobody asked.
    """
    if changes is None:
        return Narrowed(build=build, integration=integration, load=load, changes=None)
    changed = set(changes.changed())
    together: list[set[str]] = []
    if isinstance(integration, IntegrationSpec):
        suites = [suite for suite in integration.suites if _concerns(suite.built.values(), changed)]
        faults = [fault for fault in integration.faults if _concerns(fault.images, changed)]
        together += [set(suite.built.values()) for suite in suites]
        together += [set(fault.images) for fault in faults]
        integration = (
            replace(integration, suites=tuple(suites), faults=tuple(faults))
            if suites or faults
            else Skipped(f"no image that the suites start changed since {changes.since}")
        )
    if isinstance(load, LoadSpec):
        started = _under_load(load)
        if _concerns(started, changed):
            together.append(started)
        else:
            load = Skipped(f"no image that the load test starts changed since {changes.since}")
    changes = _beside(changes, set[str]().union(*together))
    wanted = set(changes.changed())
    images = tuple(image for image in build.images if image.name in wanted)
    return Narrowed(
        build=replace(build, images=images),
        integration=integration,
        load=load,
        changes=changes,
        nothing=None if images else f"no image has an input that changed since {changes.since}",
    )


def _concerns(started: Collection[str], changed: set[str]) -> bool:
    """Return whether a test tells something new: it starts a changed image, or none of ours."""
    return not started or not changed.isdisjoint(started)


def _under_load(load: LoadSpec) -> set[str]:
    return {load.host} if load.beside is None else set(load.beside.built.values())


def _beside(changes: Changes, needed: set[str]) -> Changes:
    """Return the changes with those images as well that are tested beside changed ones."""

    def decided(one: ImageChange) -> ImageChange:
        if one.changed or one.image not in needed:
            return one
        beside = [name for name in changes.changed() if name in needed]
        return replace(
            one,
            changed=True,
            reason=f"it is tested beside {', '.join(beside)}, which changed",
            causes=tuple(Cause(kind="beside", name=name) for name in beside),
        )

    return replace(changes, images=tuple(decided(one) for one in changes.images))

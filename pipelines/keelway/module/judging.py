"""Images that are built already, taken through the part of the flow that judges them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keelway.model.image import BuiltImage, Images
from keelway.model.platform import parse_platform
from keelway.module.outcome import carry_out
from keelway.module.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagger

    from keelway._stage import Run
    from keelway.module.outcome import Outcome
    from keelway.module.project import Project
    from keelway.planning import Part, Plan

_JUDGING: tuple[Part, ...] = ("policy", "scan", "sbom", "integration", "load")


def to_images(
    names: Sequence[str], platforms: Sequence[str], containers: Sequence[dagger.Container]
) -> Images:
    """Return the images as stages take them: the three lists say the same in the same order."""
    return Images(
        variants=tuple(
            BuiltImage(name=name, platform=parse_platform(platform), container=container)
            for name, platform, container in zip(names, platforms, containers, strict=True)
        )
    )


async def judge(project: Project, images: Images, *parts: Part, enforce: bool) -> Outcome:
    """Return what the given parts of the flow, and the gate, say of the images.

    Args:
        project: What they are built from.
        images: What is judged.
        parts: What is done; all that comes before publishing when none is named.
        enforce: Whether a gate that says no is an error.
    """
    done = parts or _JUDGING
    without: dict[Part, str] = {"publish": "only the judgement was asked for"}
    reason = f"only {', '.join(done)} was asked for"
    without |= {part: reason for part in _JUDGING if part not in done}
    async with open_workplace(project, without) as place:
        return await carry_out(place, partial(_prove, images), enforce=enforce)


async def _prove(images: Images, run: Run, plan: Plan) -> None:
    from keelway import flow  # noqa: PLC0415 - registering is quick

    await flow.prove(run, plan.verify, images)

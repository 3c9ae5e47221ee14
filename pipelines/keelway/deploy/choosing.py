"""Which release a target goes back to, and by which strategy. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelway.config.explain import nearest
from keelway.errors import PlanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keelway.deploy.release import Release
    from keelway.deploy.side import Side
    from keelway.deploy.target import Task


def strategy_name(release: Release, configured: str) -> str:
    """Return how a release is brought: it may have been made for another strategy than is used now.

    >>> from datetime import UTC, datetime
    >>> from keelway.deploy.release import Release
    >>> now = datetime(2026, 11, 21, tzinfo=UTC)
    >>> strategy_name(Release(id="1", version="v1", images={}, made_at=now), "blue-green")
    'recreate'
    """
    if "" not in release.parts:
        return "blue-green"
    return "recreate" if configured == "blue-green" else configured


def choose(sides: Sequence[Side], version: str | None, target: str, task: Task) -> Release:
    """Return the release to go back to, which all hosts keep.

    Args:
        sides: The hosts.
        version: Or an id; nothing for the one before the one that runs.
        target: The target's name, for messages.
        task: Whether a frozen release may be passed.

    Raises:
        PlanError: There is none, or one that is frozen stands between.
    """
    current = next((side.current for side in sides if side.current is not None), None)
    on_all = _on_all(sides)
    others = [one for one in on_all if current is None or one.id != current.release.id]
    if version is None:
        older = [one for one in others if current is None or one.id < current.release.id]
        if not older:
            raise PlanError(
                f"{target} has no release to go back to",
                why="the hosts keep none that is older than what runs",
                next_step="deploy the version that is to run: `keelway deploy`",
            )
        chosen = older[-1]
    else:
        matching = [one for one in others if version in {one.version, one.id}]
        if not matching:
            raise _unknown(version, target, sides, [one.version for one in others])
        chosen = matching[-1]
    _check_frozen(chosen, current.release if current else None, on_all, target, task)
    return chosen


def _on_all(sides: Sequence[Side]) -> list[Release]:
    ids = [{one.id for one in side.kept} for side in sides]
    return [one for one in sides[0].kept if all(one.id in found for found in ids)]


def _unknown(version: str, target: str, sides: Sequence[Side], known: Sequence[str]) -> PlanError:
    running = {side.version for side in sides}
    if running == {version}:
        return PlanError(f"{target} runs {version} already")
    near = nearest(version, known)
    hint = f"did you mean {near}? " if near else ""
    missing = [side.name for side in sides if version not in {one.version for one in side.kept}]
    why = f"not kept on {', '.join(missing)}" if 0 < len(missing) < len(sides) else None
    return PlanError(
        f"{target} keeps no release {version} to go back to",
        why=why,
        next_step=f"{hint}kept: {', '.join(dict.fromkeys(known)) or 'none'}; "
        f"or deploy it anew: `keelway deploy {version} --to {target}`",
    )


def _check_frozen(
    chosen: Release, current: Release | None, kept: Sequence[Release], target: str, task: Task
) -> None:
    if current is None or chosen.id >= current.id or task.force:
        return
    frozen = [one for one in kept if one.frozen is not None and chosen.id < one.id <= current.id]
    if frozen:
        last = frozen[-1]
        raise PlanError(
            f"{target} does not go back behind {last.version}: {last.frozen}",
            why="that release was deployed with --freeze: what it changed, an older version may "
            "not be able to work with",
            next_step="go forward with a corrected version; or, if you know better: --force "
            "--reason ...",
        )

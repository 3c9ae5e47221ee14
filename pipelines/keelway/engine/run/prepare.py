"""What is done to a root just before an exec, and undone in its upper just after.

`prepare(spec)` while the merged view is mounted, then the exec, then the view is unmounted, then
`prepared.clean(spec.root, upper)`: the layer holds what the command did, and no more.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from keelway.engine.run.bundle import file_targets
from keelway.engine.run.inroot import Root
from keelway.engine.run.spec import ExecSpec, mount_targets
from keelway.engine.run.stubs import Stubs, clean_upper, find_stubs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the runtime will make in each tree: the root, and directories bound into it."""

    stubs: Mapping[Path, Stubs]

    def clean(self, tree: Path, upper: Path) -> None:
        """Remove the stubs from the upper of a tree: `spec.root`, or one that a bind is in.

        Not for directories that several execs share at once: a stub of one may be in use by the
        other.
        """
        for place, stubs in self.stubs.items():
            if place.is_relative_to(tree):
                part = upper / place.relative_to(tree)
                if part.is_dir():
                    clean_upper(part, stubs)


def prepare(spec: ExecSpec) -> Prepared:
    """Make the working directory where it is missing, and note what else the runtime will make.

    Raises:
        OSError: A file is where the working directory or a mount should be.
    """
    _make_cwd(spec)
    wanted: dict[Path, list[str]] = defaultdict(list)
    for target in mount_targets(spec, file_targets(spec)):
        tree, inside = _place(spec, target, below=True)
        wanted[tree].append(inside)
    stubs: dict[Path, Stubs] = {}
    for tree, targets in wanted.items():
        with Root(tree) as root:
            stubs[tree] = find_stubs(root, targets)
    return Prepared(stubs=stubs)


def _make_cwd(spec: ExecSpec) -> None:
    """Make it where the command will see it, which may be inside a bound directory."""
    if any(_contains(one.target, spec.cwd) for one in spec.tmpfs):
        return  # nothing that stays: the runtime makes it
    tree, inside = _place(spec, spec.cwd, below=False)
    if inside != "/":
        with Root(tree) as root:
            root.mkdir_all(inside, uid=spec.user.uid, gid=spec.user.gid)


def _place(spec: ExecSpec, path: str, *, below: bool) -> tuple[Path, str]:
    """Return the tree that a path lies in, and the path there.

    With `below`, a bind does not contain its own target: that lies in the tree around it.
    """
    inner = [
        bind
        for bind in spec.binds
        if _contains(bind.target, path)
        and not (below and PurePosixPath(bind.target) == PurePosixPath(path))
        and bind.source.is_dir()
    ]
    if not inner:
        return spec.root, path
    bind = max(inner, key=lambda one: len(PurePosixPath(one.target).parts))
    return bind.source, "/" + str(PurePosixPath(path).relative_to(bind.target)).lstrip(".")


def _contains(outer: str, path: str) -> bool:
    return PurePosixPath(path).is_relative_to(outer)

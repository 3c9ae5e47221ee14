"""What `keelway init ci` gathers, and what it says of what it wrote."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.env import environment
from keelway.ci_templates.catalog import COMMAND, choose, render
from keelway.ci_templates.description import Surroundings, describe
from keelway.ci_templates.repository import (
    find_ecosystems,
    find_marks,
    find_root,
    propose,
    write,
)
from keelway.config import load_config
from keelway.facts.ci import find_job
from keelway.facts.git import NoCommit, read_commit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from keelway.ci_templates.repository import Proposal
    from keelway.config import Loaded


def plan_files(
    start: Path, file: Path | None, names: Iterable[str]
) -> tuple[Path, tuple[Proposal, ...]]:
    """Return the repository's top, and the files that would be written below it.

    Args:
        start: Where to look for the configuration.
        file: What `--config` named, if anything.
        names: The CIs.

    Raises:
        ConfigError: When the configuration is wrong, or no CI has such a name.
        PlanError: When the configuration names a platform that is none.
    """
    loaded = load_config(start, file)
    folder = loaded.root.resolve()
    root = find_root(folder)
    inside = "/".join(folder.relative_to(root).parts)
    around = Surroundings(
        version=metadata.version("keelway"),
        default_branch=_default_branch(loaded),
        folder=inside,
        ecosystems=find_ecosystems(loaded.config, inside, root),
    )
    templates = choose(names, find_marks(root))
    return root, propose(root, render(templates, describe(loaded.config, around)))


def _default_branch(loaded: Loaded) -> str:
    """Return the default branch, as far as anybody here knows it."""
    environ = environment()
    commit = read_commit(loaded.root, environ)
    job = find_job(environ)
    known = (
        loaded.config.tags.default_branch,
        None if job is None else job.default_branch,
        None if isinstance(commit, NoCommit) else commit.default_branch,
    )
    return next((name for name in known if name), "main")


def tell_top(root: Path, here: Path) -> None:
    """Say where the files are when that is not here: CIs read them at the repository's top.

    Args:
        root: The repository's top, which paths of files begin at.
        here: Where the command runs.
    """
    if root.resolve() != here.resolve():
        output.notice(f"these are in {root}, the top of the repository, where a CI reads them")


def write_files(
    root: Path, proposals: Sequence[Proposal], *, force: bool, command: str = COMMAND
) -> None:
    """Write the files and say which; what is refused is shown as a difference.

    Args:
        root: The repository's top.
        proposals: The files.
        force: Whether those that were changed by hand are written over.
        command: What the user typed.

    Raises:
        ConfigError: When a file was changed by hand; nothing is written then.
    """
    if not force:
        for one in proposals:
            if one.state.is_refused:
                output.result(one.difference().rstrip("\n"))
    written = {one.path for one in write(root, proposals, force=force, command=command)}
    for one in proposals:
        output.result(f"{'wrote' if one.path in written else 'kept '}  {one.path}")

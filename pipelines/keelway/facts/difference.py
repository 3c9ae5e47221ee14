"""What differs between the working tree and an older commit, asked of git.

Where git cannot know (no repository, a history that is cut off) the answer is the reason, and
whoever asks has to take everything for changed.
"""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.errors import PlanError
from keelway.facts.git import TIMEOUT_S, reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# What CIs give for the commit before the first one of a branch.
_NOTHING = re.compile(r"0{40}|0{64}")
# Nothing that a user set for reading diffs may change which files are named.
_DIFF = (
    "-c", "core.fileMode=true", "-c", "diff.autoRefreshIndex=true",
    "diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative",
    "--ignore-submodules=none", "--abbrev=4",
)  # fmt: skip
_UNTRACKED = ("ls-files", "--others", "--exclude-standard", "-z")
_IGNORED = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
_SUBMODULE = "160000"
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say what differs."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Git:
    """Git in one folder."""

    folder: Path
    environ: Mapping[str, str]

    def ask(self, *words: str) -> str | Unknown:
        """Return what git wrote, or why it did not."""
        # Messages are matched; and looking must not lock the index of a busy repository.
        env = {**self.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
        try:
            done = subprocess.run(
                ["git", *words], cwd=self.folder, env=env, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            return Unknown("git is not installed")
        except PermissionError as error:
            return Unknown(f"git cannot be started: {error}")
        except subprocess.TimeoutExpired:
            return Unknown(f"git did not answer within {TIMEOUT_S} s")
        if done.returncode != 0:
            return Unknown(reason_of(done.stderr.decode(errors="replace").strip()))
        return done.stdout.decode(errors="surrogateescape")

    def answer(self, words: Sequence[str]) -> str | Unknown:
        """Return what `ask` does, for words in one piece."""
        return self.ask(*words)

    def commit(self, name: str) -> str | None:
        """Return the digits of a commit; nothing when there is none of that name."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        found = self.ask(*words)
        return None if isinstance(found, Unknown) else found.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between a commit and the working tree. Paths are relative to its top."""

    base: str
    """The commit."""
    top: Path
    """The top of the working tree, absolute, with no symbolic link in it."""
    paths: tuple[str, ...]
    """What was added, changed or removed, sorted; files that git ignores are not among them."""
    trees: frozenset[str]
    """Those of them that stand for all that is below them: submodules and nested repositories."""
    ignored: tuple[str, ...]
    """Files and folders that git ignores, sorted: nobody knows whether they changed."""
    git: _Git

    @property
    def short_base(self) -> str:
        """Return the first digits of the commit."""
        return self.base[:_SHORT]

    def inside(self, path: str) -> str | None:
        """Return a path relative to the top, `.` for the top itself; nothing for one elsewhere.

        Args:
            path: Absolute, with no symbolic link in it.
        """
        top = str(self.top)
        if path == top:
            return "."
        return path[len(top) + 1 :] if path.startswith(f"{top}/") else None

    def text_then(self, name: str) -> str | None:
        """Return the text that a file had in the commit; nothing when it was not there.

        Args:
            name: Relative to the top.
        """
        found = self.git.ask("show", f"{self.base}:{name}")
        return None if isinstance(found, Unknown) else found


def read_difference(
    directory: Path, since: str, environ: Mapping[str, str]
) -> Difference | Unknown:
    """Return what differs from the commit where the history parted from another one.

    That is what a pull request changes, whatever happened to its target meanwhile. Changes that are
    not committed count, and files that git does not know yet.

    Args:
        directory: Anywhere inside the working tree.
        since: The other commit: a branch, a tag, digits.
        environ: The environment that git runs in.

    Raises:
        PlanError: When the history is whole and has no such commit.
    """
    if not since.strip():
        raise PlanError(
            "the commit to compare with is empty",
            next_step="name a branch, a tag or a commit, as in --since origin/main",
        )
    places = _Git(directory, environ).ask("rev-parse", "--show-toplevel", "--is-shallow-repository")
    if isinstance(places, Unknown):
        return places
    top, _, shallow = places.removesuffix("\n").rpartition("\n")
    git = _Git(Path(top), environ)
    base = _base(git, since, shallow=shallow == "true")
    if isinstance(base, Unknown):
        return base
    questions = ((*_DIFF, base, "--"), _UNTRACKED, _IGNORED)
    with ThreadPoolExecutor(len(questions)) as side_by_side:
        answers = list(side_by_side.map(git.answer, questions))
    told = [answer for answer in answers if isinstance(answer, str)]
    for answer in answers:
        if isinstance(answer, Unknown):
            return answer
    return _difference(base, git, *told)


def _difference(base: str, git: _Git, differ: str, untracked: str, ignored: str) -> Difference:
    """Return what git's three answers say."""
    fields = differ.split("\0")
    entries = list(zip(fields[::2], fields[1::2], strict=False))
    new = [name for name in untracked.split("\0") if name]
    trees = {name.rstrip("/") for name in new if name.endswith("/")}
    trees |= {name for modes, name in entries if _SUBMODULE in modes.lstrip(":").split(" ")[:2]}
    names = {name for _, name in entries} | {name.rstrip("/") for name in new}
    return Difference(
        base=base,
        top=git.folder.resolve(),
        paths=tuple(sorted(names)),
        trees=frozenset(trees),
        ignored=tuple(sorted(name.rstrip("/") for name in ignored.split("\0") if name)),
        git=git,
    )


def _base(git: _Git, since: str, *, shallow: bool) -> str | Unknown:
    """Return the commit to compare with.

    Raises:
        PlanError: When the history is whole and has no such commit.
    """
    if _NOTHING.fullmatch(since):
        return Unknown("there is no commit before this one")
    if git.commit("HEAD") is None:
        return Unknown("the git repository has no commit yet")
    other = git.commit(since)
    deeper = "`git fetch --unshallow` brings the rest"
    if other is None:
        if shallow:
            return Unknown(f"this shallow clone does not have {since}; {deeper}")
        raise PlanError(
            f"{since} is no commit of this repository",
            next_step=f"correct it, or fetch it first: git fetch origin {since}",
        )
    parted = git.ask("merge-base", other, "HEAD")
    if isinstance(parted, Unknown):
        more = f"; the clone is shallow: {deeper}" if shallow else ""
        return Unknown(f"{since} and this commit have no common history{more}")
    base = parted.strip()
    if shallow and base != other:
        # What is cut off may have a newer common commit, or changes that were taken back since.
        return Unknown(f"this shallow clone does not tell where {since} parted from it; {deeper}")
    return base

"""Where a repository is, and what git needs to ask there."""

from __future__ import annotations

import base64
import os
import re
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keelway.engine.errors import EngineError
from keelway.engine.run.inroot import Root
from keelway.engine.solve.gitssh import is_ssh, ssh_access
from keelway.engine.store.git import UPLOAD_PACK, GitAccess, git

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from keelway.engine.graph.git import GitSource
    from keelway.engine.solve.machine import Machine
    from keelway.engine.solve.views import Views

_DEFAULT_USER = "x-access-token"
_SHA256 = re.compile(r"^\s*objectformat\s*=\s*sha256\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository that git can be sent to, for as long as it is open."""

    address: str
    shown: str
    access: GitAccess
    local: bool

    def git(self, command: str, options: Iterable[str], *rest: str, cwd: Path, doing: str) -> str:
        """Run a command that talks to the repository and return what it printed.

        Raises:
            EngineError: It failed.
        """
        own = [UPLOAD_PACK] if self.local else []
        arguments = [command, *own, *options, "--", self.address, *rest]
        return git(arguments, cwd=cwd, doing=doing, access=self.access)


@contextmanager
def opened(source: GitSource, machine: Machine, views: Views) -> Generator[Place]:
    """Give the place of a repository for the time of the block.

    Raises:
        EngineError: A directory is no repository.
    """
    if not source.path:
        with ExitStack() as stack:
            access = stack.enter_context(_access(source, machine))
            if source.service is not None:
                way = stack.enter_context(machine.way(source.service))
                access = replace(access, started_by=way.words)
            local = source.address.startswith(("/", "file://"))
            yield Place(address=source.address, shown=source.address, access=access, local=local)
        return
    with views.reading(source.snapshot) as view, Root(view) as root:
        work = machine.store.new_work("repository")
        try:
            _stand_in(_inside(root, source.path), work)
            yield Place(address=str(work), shown="the directory", access=GitAccess(), local=True)
        finally:
            machine.store.discard(work)


def _stand_in(repository: Path, work: Path) -> None:
    """Make a repository with the objects and refs of another, and nothing of its configuration.

    What a directory's `.git/config` says may run programs, and this is not a container.

    Raises:
        EngineError: Its objects lie elsewhere.
    """
    for folder, names, files in os.walk(repository / "objects"):
        if any((Path(folder) / name).is_symlink() for name in (*names, *files)):
            raise EngineError("not a git repository of its own: its objects are symbolic links")
    settings = (repository / "config").read_text(encoding="utf-8", errors="replace")
    kind = "sha256" if _SHA256.search(settings) else "sha1"
    arguments = ["init", "-q", "--bare", "--template=", f"--object-format={kind}", "."]
    git(arguments, cwd=work, doing="read the repository")
    (work / "objects" / "info").mkdir(exist_ok=True)
    (work / "objects" / "info" / "alternates").write_text(f"{repository / 'objects'}\n")
    shutil.rmtree(work / "refs")
    shutil.copytree(repository / "refs", work / "refs", symlinks=True, ignore=_links)
    for name in ("HEAD", "packed-refs", "shallow"):
        if (repository / name).is_file() and not (repository / name).is_symlink():
            shutil.copyfile(repository / name, work / name)


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_symlink()]


def _inside(root: Root, path: str) -> Path:
    """Return where the repository of a directory is; nothing of it may lie elsewhere.

    Raises:
        EngineError: It is none, or shares files with another.
    """
    top = "" if path == "/" else str(root.resolve(path))
    if not root.exists(f"{top}/.git", follow=False):
        found = top
    elif root.is_dir(f"{top}/.git"):
        found = f"{top}/.git"
    else:
        raise EngineError(
            "not a git repository: its .git leads to another directory, as in a worktree "
            "or a submodule; use the repository that it belongs to"
        )
    parts = [f"{found}/HEAD", f"{found}/config", f"{found}/objects", f"{found}/refs"]
    if not all(root.exists(part) for part in parts):
        raise EngineError("not a git repository: there is no .git in the directory")
    # What git follows by itself it follows on this machine, out of the directory.
    shared = (f"{found}/commondir", f"{found}/objects/info/alternates")
    leads_away = any(str(root.resolve(part)) != part for part in parts)
    if leads_away or any(root.exists(part, follow=False) for part in shared):
        raise EngineError(
            "not a git repository of its own: it shares objects with another one; "
            "repack it with `git repack -a -d` and remove .git/objects/info/alternates"
        )
    return root.path / found.lstrip("/")


@contextmanager
def _access(source: GitSource, machine: Machine) -> Generator[GitAccess]:
    if is_ssh(source.address):
        with ssh_access(source.login, machine.store) as access:
            yield access
    else:
        yield _http_access(source, machine)


def _http_access(source: GitSource, machine: Machine) -> GitAccess:
    login = source.login
    settings: dict[str, str] = {}
    secrets: list[str] = []
    header = ""
    if login.token:
        token = _text(machine, login.token, what="httpAuthToken")
        pair = f"{login.username or _DEFAULT_USER}:{token}"
        encoded = base64.b64encode(pair.encode()).decode()
        secrets += [token, encoded]
        header = f"Basic {encoded}"
    if login.header:
        header = _text(machine, login.header, what="httpAuthHeader")
        secrets += [header, header.partition(" ")[2]]
    if header:
        parts = urlsplit(source.address)
        # For this server alone: submodules elsewhere do not get it.
        settings[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: {header}"
    if login.nested:
        settings["credential.helper"] = ""
    return GitAccess(settings=settings, secrets=tuple(secrets))


def _text(machine: Machine, handle: str, *, what: str) -> str:
    text = machine.secret(handle).decode("utf-8", "replace").rstrip("\r\n")
    if any(char in text for char in "\r\n\0"):
        raise EngineError(f"the secret of {what} has several lines: a header has just one")
    return text

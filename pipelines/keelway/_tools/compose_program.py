"""The programs that bring a compose project up, and what to type for each.

Docker has the plugin `docker compose` (version 2 and newer) and the older `docker-compose`;
Podman has `podman-compose`, and from 4.7 on `podman compose`, which calls one of the others.

Example:
    >>> program = ComposeProgram(kind="plugin", words=("docker", "compose"), version="2.29.1")
    >>> up_argv(program, "orders", "/srv/orders/current", ("web",))[-4:]
    ('--detach', '--no-build', '--remove-orphans', 'web')
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["plugin", "standalone", "podman-compose", "podman"]

UNIT_FILE = "compose.yaml"
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
# With pods (the default of podman-compose), a pod of a project's name is in the way of the next.
_WITHOUT_PODS_SINCE = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeProgram:
    """One of them, as it was found on a host."""

    kind: Kind
    words: tuple[str, ...]
    """What calls it."""
    version: str


def parse_version(text: str) -> str:
    """Return the version from what a program says about itself; `?` when it does not."""
    found = _VERSION.search(text)
    return found[0] if found else "?"


def up_argv(
    program: ComposeProgram, project: str, folder: str, services: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return what starts services, and makes those anew that are not as the file says.

    Args:
        program: Which.
        project: The compose project.
        folder: Where the project's `compose.yaml` is.
        services: Those to start with what they depend on; all when empty.
    """
    words = ["up", "--detach", "--no-build", "--remove-orphans", *services]
    return (*_beginning(program, project, folder), *words)


def _beginning(program: ComposeProgram, project: str, folder: str) -> tuple[str, ...]:
    file = f"{folder}/{UNIT_FILE}"
    named = ("--project-name", project, "--file", file)
    if program.kind in {"plugin", "standalone"}:
        return (*program.words, *named, "--project-directory", folder)
    if program.kind == "podman-compose" and _numbers(program.version) >= _WITHOUT_PODS_SINCE:
        return (*program.words, "--in-pod", "false", *named)
    return (*program.words, *named)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())

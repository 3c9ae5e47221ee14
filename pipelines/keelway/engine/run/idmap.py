"""An ordinary user's subordinate ids, mapped into a user namespace by newuidmap and newgidmap.

Those two are set-uid programs that act from outside on a process in the new namespace: so a
helper is forked before the namespace is made, and maps its parent when it is told to.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from keelway.engine.errors import EngineError

if TYPE_CHECKING:
    from types import TracebackType

ENOUGH: Final = 65536
"""Ids that every image can live with: 0 to 65535, with the user's own as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Ids that belong to the user, from the first on."""

    first: int
    count: int


class Mapper:
    """A helper process outside the namespace that is about to be made."""

    def __init__(self, pid: int, go: int, answer: int) -> None:
        self._pid = pid
        self._go = go
        self._answer = answer

    @classmethod
    def start(cls) -> Mapper:
        """Fork the helper.

        Raises:
            EngineError: The user has no subordinate ids, or the programs are missing.
        """
        commands = _commands(os.getpid())
        go_out, go_in = os.pipe()
        answer_out, answer_in = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(go_in)
            os.close(answer_out)
            _map_when_told(commands, go_out, answer_in)
        os.close(go_out)
        os.close(answer_in)
        return cls(pid, go_in, answer_out)

    def finish(self) -> None:
        """Tell the helper that the namespace is there, and wait until the ids are mapped.

        Raises:
            EngineError: A mapping was refused; says by which program, and why.
        """
        os.write(self._go, b"g")
        with os.fdopen(os.dup(self._answer), "rb") as answer:
            problem = answer.read().decode(errors="replace").strip()
        if problem:
            raise EngineError(f"the user's ids could not be mapped: {problem}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._go)
        os.close(self._answer)
        os.waitpid(self._pid, 0)


def read_ranges(text: str, user: str, uid: int) -> list[Range]:
    """Return the ranges of one user in the text of /etc/subuid or /etc/subgid."""
    found: list[Range] = []
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) == 3 and fields[0] in (user, str(uid)):  # noqa: PLR2004 - name:first:count
            found.append(Range(first=int(fields[1]), count=int(fields[2])))
    return found


def mapping(own: int, ranges: list[Range]) -> list[str]:
    """Return the arguments of newuidmap after the pid: own id as 0, the ranges from 1 on."""
    words = ["0", str(own), "1"]
    inside = 1
    for one in ranges:
        words += [str(inside), str(one.first), str(one.count)]
        inside += one.count
    return words


def _commands(pid: int) -> list[list[str]]:
    """Return the two commands that map the ids of a process.

    Raises:
        EngineError: Something is missing; says what, and how it is set up.
    """
    uid, gid = os.getuid(), os.getgid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    commands: list[list[str]] = []
    kinds = (("newuidmap", "/etc/subuid", uid), ("newgidmap", "/etc/subgid", gid))
    for name, file, own in kinds:
        program = shutil.which(name)
        if program is None:
            raise EngineError(f"{name} is not installed; install the package uidmap")
        ranges = _ranges(Path(file), user, uid)
        commands.append([program, str(pid), *mapping(own, ranges)])
    return commands


def _ranges(file: Path, user: str, uid: int) -> list[Range]:
    try:
        ranges = read_ranges(file.read_text(), user, uid)
    except OSError:
        ranges = []
    if sum(one.count for one in ranges) < ENOUGH - 1:
        raise EngineError(
            f"{user} has no {ENOUGH} ids in {file}, which images need for their files. As root: "
            f"`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}`"
        )
    return ranges


def _map_when_told(commands: list[list[str]], go: int, answer: int) -> None:
    """Wait for the word, run the commands, answer with their complaints; never returns."""
    said = b""
    try:
        if os.read(go, 1):
            for command in commands:
                done = subprocess.run(command, capture_output=True, check=False)
                if done.returncode:
                    said = done.stderr or f"{command[0]} gave {done.returncode}".encode()
                    break
    except OSError as error:
        said = str(error).encode()
    finally:
        os.write(answer, said)
        os._exit(0)

"""An ordinary user's subordinate ids, mapped into a user namespace by newuidmap and newgidmap.

Those two are set-uid programs that act from outside on a process in the new namespace: so a
helper is forked before the namespace is made, and maps its parent when it is told to. Root needs
neither: its helper gives it the ids that it has.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from keelway.engine.run.refusal import Cause, SandboxRefusedError, mapping_advice

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

ENOUGH: Final = 65536
"""Ids that every image can live with: 0 to 65535, with the user's own as 0."""

_ALL: Final = 2**32 - 1


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
            SandboxRefusedError: The user has no subordinate ids, or the programs are missing.
        """
        pid = os.getpid()
        work = _own_maps(pid) if os.geteuid() == 0 else _commands(pid)
        go_out, go_in = os.pipe()
        answer_out, answer_in = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(go_in)
            os.close(answer_out)
            _map_when_told(work, go_out, answer_in)
        os.close(go_out)
        os.close(answer_in)
        return cls(pid, go_in, answer_out)

    def finish(self) -> None:
        """Tell the helper that the namespace is there, and wait until the ids are mapped.

        Raises:
            SandboxRefusedError: A mapping was refused; says by which program, and why.
        """
        os.write(self._go, b"g")
        with os.fdopen(os.dup(self._answer), "rb") as answer:
            problem = answer.read().decode(errors="replace").strip()
        if problem:
            raise SandboxRefusedError(Cause.IDS, f"the user's ids could not be mapped: {problem}")

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


def identity(text: str) -> str:
    """Return a map that keeps the ids of a namespace, from the text of its /proc/self/uid_map.

    Less the very last id: by a map that is whole runtimes tell that they are in no user namespace.
    """
    lines = [map(int, line.split()) for line in text.splitlines()]
    return "".join(f"{first} {first} {min(count, _ALL - 1)}\n" for first, _, count in lines)


def _own_maps(pid: int) -> Callable[[], bytes]:
    def write() -> bytes:
        try:
            for name in ("uid_map", "gid_map"):
                text = identity(Path("/proc/self", name).read_text())
                Path("/proc", str(pid), name).write_text(text)
        except PermissionError as error:
            return (
                f"{error.strerror}; root of this container has not all of CAP_SETUID, CAP_SETGID "
                "and CAP_SETFCAP, which Docker gives: start it with `--cap-add`"
            ).encode()
        return b""

    return write


def _commands(pid: int) -> Callable[[], bytes]:
    """Return what maps the ids of a process by the two programs.

    Raises:
        SandboxRefusedError: Something is missing; says what, and how it is set up.
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
            raise SandboxRefusedError(
                Cause.IDS,
                f"{name} is not on the PATH, which maps the ids of an ordinary user; install it "
                "(apt-get install uidmap), or run the engine as root",
            )
        ranges = _ranges(Path(file), user, uid)
        commands.append([program, str(pid), *mapping(own, ranges)])

    def map_both() -> bytes:
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = done.stderr.strip() or f"{command[0]} gave {done.returncode}"
                return f"{said}; {mapping_advice(said)}".encode()
        return b""

    return map_both


def _ranges(file: Path, user: str, uid: int) -> list[Range]:
    try:
        ranges = read_ranges(file.read_text(), user, uid)
    except OSError:
        ranges = []
    if sum(one.count for one in ranges) < ENOUGH - 1:
        raise SandboxRefusedError(
            Cause.IDS,
            f"{user} has no {ENOUGH} ids in {file}, which images need for their files. As root: "
            f"`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}`",
        )
    return ranges


def _map_when_told(work: Callable[[], bytes], go: int, answer: int) -> None:
    """Wait for the word, map, answer with a complaint if there is one; never returns."""
    said = b""
    try:
        if os.read(go, 1):
            said = work()
    except OSError as error:
        said = str(error).encode()
    finally:
        os.write(answer, said)
        os._exit(0)

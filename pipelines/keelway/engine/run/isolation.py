"""Which isolation commands get: namespaces, or a chroot where nothing better is allowed.

    sys.exit(enter("auto", lambda sandbox: serve(sandbox)))    # before any thread is started

`auto` takes the chroot only for root who may neither mount nor make namespaces, as in a container
with Docker's default privileges. What somebody can put right there, as ids that can't be mapped, is
told instead. An ordinary user has no use for the chroot: chroot(2) is root's too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run.refusal import Cause, SandboxRefusedError, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.run.enter import Sandbox

_CAP_SYS_ADMIN: Final = 21
_PROFILE: Final = Path("/proc/self/attr/current")
_ENFORCED: Final = "(enforce)"
_NOT_ALLOWED: Final = frozenset({Cause.NAMESPACES, Cause.PROC, Cause.MOUNTS})
"""What a container keeps from root in it. The engine can do nothing without any of these."""


def enter(choice: str, child: Callable[[Sandbox], int]) -> int:
    """Run the child in the isolation of that name and return its exit code, 128+n for a signal.

    The process must have one thread. What is open stays open in the child.

    Raises:
        EngineError: It is not to be had here; says what to do.
    """
    reason = chroot_reason(choice)
    if reason is not None:
        from keelway.engine.run.chroot_enter import enter_chroot  # noqa: PLC0415 - rarely needed

        return enter_chroot(child, reason=reason)
    from keelway.engine.run.enter import enter_sandbox  # noqa: PLC0415 - for this way only

    return enter_sandbox(child)


def chroot_reason(choice: str) -> str | None:
    """Return why commands run in a chroot here, or None where they get namespaces.

    Root of the machine gets those. Where powers or system calls were taken from root, as in a
    container, the sandbox is entered for a moment by a process of its own: one that has left the
    host's namespaces and is refused the rest (`Cause.PROC`, `Cause.MOUNTS`) has no way back. None
    too where the sandbox itself will say what is missing: to an ordinary user, and to root who
    could have it after all.
    """
    if choice == "chroot":
        return "KEELWAY_ENGINE_ISOLATION=chroot asks for it"
    if choice == "namespace" or os.geteuid() != 0 or _is_roots_machine():
        return None
    refused = _tried()
    return str(refused) if refused is not None and refused.cause in _NOT_ALLOWED else None


def _is_roots_machine() -> bool:
    """Tell whether nothing was taken from root, so that there is no need to try."""
    powers = int(status("CapEff") or "0", 16)
    try:
        confined = _ENFORCED in _PROFILE.read_text()
    except OSError:
        confined = False  # no security module with profiles
    return bool(powers >> _CAP_SYS_ADMIN & 1) and status("Seccomp") in {None, "0"} and not confined


def _tried() -> SandboxRefusedError | None:
    """Enter the sandbox in a process that ends then; return what refused it."""
    from keelway.engine.run.enter import enter_sandbox  # noqa: PLC0415 - where there is a doubt

    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            # What else is wrong is told when the sandbox is entered for good.
            sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - until this process ends
            enter_sandbox(lambda _sandbox: 0)
        except SandboxRefusedError as error:
            os.write(tell, error.packed())
        except EngineError:
            pass
        finally:
            os._exit(0)
    os.close(tell)
    with os.fdopen(told, "rb") as answer:
        data = answer.read()
    os.waitpid(pid, 0)
    return SandboxRefusedError.unpacked(data) if data else None

"""Which isolation commands get: namespaces, or a chroot where nothing better is allowed.

    sys.exit(enter("auto", lambda sandbox: serve(sandbox)))    # before any thread is started

`auto` takes the chroot only for root who may neither mount nor make namespaces, as in a container
with Docker's default privileges. An ordinary user has no use for it: chroot(2) is root's too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from keelway.engine.errors import EngineError
from keelway.engine.run.refusal import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.run.enter import Sandbox

_CAP_SYS_ADMIN: Final = 21


def enter(choice: str, child: Callable[[Sandbox], int]) -> int:
    """Run the child in the isolation of that name and return its exit code, 128+n for a signal.

    The process must have one thread. What is open stays open in the child.

    Raises:
        EngineError: It is not to be had here; says what to do.
    """
    if choice == "chroot" or (choice == "auto" and not allows_namespaces()):
        from keelway.engine.run.chroot_enter import enter_chroot  # noqa: PLC0415 - rarely needed

        return enter_chroot(child)
    from keelway.engine.run.enter import enter_sandbox  # noqa: PLC0415 - for this way only

    return enter_sandbox(child)


def allows_namespaces() -> bool:
    """Tell whether root can have the sandbox of namespaces here.

    Root of the machine can. Where powers or system calls were taken from it, as in a container, the
    sandbox is entered for a moment by a process of its own: one that has left the host's namespaces
    and is refused the rest (`Cause.PROC`, `Cause.MOUNTS`) has no way back. An ordinary user is told
    by the sandbox itself what is missing.
    """
    if os.geteuid() != 0:
        return True
    powers = int(status("CapEff") or "0", 16)
    unfiltered = status("Seccomp") in {None, "0"}
    return (bool(powers >> _CAP_SYS_ADMIN & 1) and unfiltered) or _tried()


def _tried() -> bool:
    """Enter the sandbox in a process that ends then."""
    from keelway.engine.run.enter import enter_sandbox  # noqa: PLC0415 - where there is a doubt

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = enter_sandbox(lambda _sandbox: 0)
        except EngineError:
            code = 1  # refused; why is told to whoever asks for namespaces by name
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

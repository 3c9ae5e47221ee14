"""How git reaches a server by ssh: which keys it offers, and which servers it trusts.

Keys are an agent's: the one that was given, else that of the client's environment, as in Dagger.
The user's own key files and configuration hold beside the latter.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.solve.sockets import check_socket
from keelway.engine.store.git import GitAccess

if TYPE_CHECKING:
    from collections.abc import Generator

    from keelway.engine.graph.git import GitLogin
    from keelway.engine.store.store import Store

NO_SOCKET = (
    "SSH URLs are not supported without an SSH socket: start an ssh-agent before the session, "
    "or pass the socket of one as sshAuthSocket"
)
_SSH = re.compile(r"ssh://|(?![a-z]+://)[^/]+:")
_OWN = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")


def is_ssh(address: str) -> bool:
    """Tell whether git asks an address by ssh: `ssh://...` or `host:path`."""
    return _SSH.match(address) is not None


@contextmanager
def ssh_access(login: GitLogin, store: Store) -> Generator[GitAccess]:
    """Give what git needs for ssh, for the time of the block.

    Raises:
        EngineError: There is no such socket.
    """
    if login.agent:
        check_socket(login.agent)
    if not (login.agent or login.known_hosts) and os.environ.get("GIT_SSH_COMMAND"):
        yield GitAccess()  # the user knows best
        return
    work = store.new_work("ssh")
    try:
        known = work / "known_hosts"
        lines = login.known_hosts.rstrip("\n")
        known.write_text(f"{lines}\n" if lines else "", encoding="utf-8")
        has_agent = login.agent or os.environ.get("SSH_AUTH_SOCK")
        yield GitAccess(
            ssh=_command(login, known), agent=login.agent, hint="" if has_agent else NO_SOCKET
        )
    finally:
        store.discard(work)


def _command(login: GitLogin, known: Path) -> str:
    options = ["BatchMode=yes"]
    if login.agent:
        options += ["IdentityAgent=SSH_AUTH_SOCK", "IdentityFile=none"]
    if login.known_hosts:
        options += ["StrictHostKeyChecking=yes", "GlobalKnownHostsFile=/dev/null"]
        options.append(f'UserKnownHostsFile="{known}"')
    else:
        # Dagger trusts any server then; here one that the user knows must be the one it was.
        own = " ".join(f'"{Path(name).expanduser()}"' for name in _OWN)
        options += ["StrictHostKeyChecking=accept-new", f'UserKnownHostsFile="{known}" {own}']
    return " ".join(["ssh", *(f"-o {shlex.quote(option)}" for option in options)])

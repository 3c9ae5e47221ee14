"""Sockets of the host beside a command: what connects to one in the container is passed on."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.run import users
from keelway.engine.run.relay import Relay
from keelway.engine.run.spec import Bind

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from contextlib import ExitStack

    from keelway.engine.graph.sockets import ExecSocket
    from keelway.engine.run.inroot import Root

_WAITING = 128


def relayed(sockets: Sequence[ExecSocket], root: Root, place: Path, stack: ExitStack) -> list[Bind]:
    """Listen for each socket and return where the listeners are shown; `stack` ends them.

    They are made in a directory of their own in `place`. The host's own socket is not mounted: its
    mode and its owner are the host's, and with a socket of the engine's the command gets those that
    were asked for.

    Raises:
        EngineError: The host has no such socket, or the container no such owner.
    """
    if not sockets:
        return []
    folder = Path(tempfile.mkdtemp(prefix="sockets-", dir=place))
    folder.chmod(0o711)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    relay = Relay()
    stack.callback(relay.close)
    binds: list[Bind] = []
    for number, one in enumerate(sockets):
        check_socket(one.source)
        path = folder / str(number)
        relay.add(_listener(path, one, root), partial(_dial, one.source))
        binds.append(Bind(source=path, target=one.path))
    return binds


def check_socket(path: str) -> None:
    """Do nothing if the host has a socket there.

    Raises:
        EngineError: It has none.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a text, as the client gave it
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EngineError(f"socket {path} of the host: {reason}") from error
    if not stat.S_ISSOCK(mode):
        raise EngineError(f"socket {path} of the host: it is no socket")


def _listener(path: Path, one: ExecSocket, root: Root) -> socket.socket:
    owner = users.lookup(root, one.owner or "0", fallback_gid="same")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _short(path) as name:
        listener.bind(name)
    os.chown(path, owner.uid, owner.gid)
    path.chmod(one.mode)
    listener.listen(_WAITING)
    return listener


@contextmanager
def _short(path: Path) -> Generator[str]:
    """Have a name of a path that is short enough for a socket's address, 108 bytes (unix(7))."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _dial(path: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.connect(path)
    except OSError:
        server.close()
        raise
    return server

"""Where a command's streams come from and go to in its own file system.

`redirectStdout` and `redirectStderr` are copies: the files are opened before the command starts
and written while it runs, so that it finds in them what it has said so far, also when it fails.
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.run.inroot import Root
from keelway.engine.store.space import disk_error

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from keelway.engine.graph import ops
    from keelway.engine.run.spec import Bind
    from keelway.engine.solve.streams import Output, Streams
    from keelway.engine.solve.surroundings import Surroundings

_NEW_FILE = 0o600


def read_stdin(op: ops.Exec, here: Surroundings) -> bytes:
    """Return what a command reads on its standard input: a text, or a file of its own.

    Raises:
        EngineError: There is no such file.
    """
    if not op.redirect_stdin:
        return op.stdin.encode("utf-8", "surrogateescape")
    full = posixpath.normpath(posixpath.join(op.cwd, op.redirect_stdin))
    for secret in here.secret_files:
        if secret.target == full:
            return secret.data
    where, path = _on_host(op.redirect_stdin, op, here)
    with Root(where) as tree:
        try:
            if _is_temporary(op.redirect_stdin, op, here):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            return tree.read_file(path)
        except OSError as error:
            raise EngineError(f"redirectStdin {op.redirect_stdin}: {_reason(error)}") from error


@contextlib.contextmanager
def written_to_files(op: ops.Exec, here: Surroundings, streams: Streams) -> Generator[None]:
    """Write the streams to the files that were asked for, while the block runs.

    A file that is made has mode 0600; each belongs to the command's user and starts empty.

    Raises:
        EngineError: A file cannot be opened (the block does not run then), or not be written.
    """
    asked = ((op.redirect_stdout, streams.stdout), (op.redirect_stderr, streams.stderr))
    with contextlib.ExitStack() as stack:
        for target, output in asked:
            # What is in a temp mount goes with the command.
            if target and not _is_temporary(target, op, here):
                stack.enter_context(_copied(target, output, op, here))
        yield


@contextlib.contextmanager
def _copied(target: str, output: Output, op: ops.Exec, here: Surroundings) -> Generator[None]:
    where, path = _on_host(target, op, here)
    try:
        with Root(where) as tree:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            descriptor = tree.open(str(tree.resolve(path)), flags, _NEW_FILE)
    except OSError as error:
        raise _error(target, error) from error
    try:
        os.fchown(descriptor, here.user.uid, here.user.gid)
        output.copy = descriptor
        yield
    finally:
        output.copy = None
        os.close(descriptor)
    if output.copy_error is not None:
        raise _error(target, output.copy_error) from output.copy_error


def _error(target: str, error: OSError) -> EngineError:
    return disk_error(error) or EngineError(f"redirect to {target}: {_reason(error)}")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _on_host(path: str, op: ops.Exec, here: Surroundings) -> tuple[Path, str]:
    """Return the root that a path of the container lies in, and the path there."""
    full = posixpath.normpath(posixpath.join(op.cwd, path))
    best: Bind | None = None
    for bind in here.binds:
        if _below(full, bind.target) and (best is None or len(bind.target) >= len(best.target)):
            best = bind
    if best is None:
        return here.writing.root, full
    if best.source.is_file():
        return best.source.parent, "/" + best.source.name
    return best.source, "/" + full[len(best.target) :].lstrip("/")


def _is_temporary(path: str, op: ops.Exec, here: Surroundings) -> bool:
    """Tell whether a path of the container lies in a temp mount, which each command has empty."""
    full = posixpath.normpath(posixpath.join(op.cwd, path))
    return any(_below(full, temp.target) for temp in here.tmpfs)


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")

"""Commands: the mounts around one, its streams, and what becomes of what it wrote."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError, ExecFailed
from keelway.engine.graph import ops
from keelway.engine.solve.redirects import read_stdin, written_to_files
from keelway.engine.solve.result import Result, Stream
from keelway.engine.solve.streams import Output, Streams, for_error
from keelway.engine.solve.surroundings import Place, surround
from keelway.engine.store.space import full
from keelway.engine.store.volumes import Cancelled

if TYPE_CHECKING:
    from keelway.engine.solve.step import Step
    from keelway.engine.solve.views import Writing

INLINE = 16 << 10
"""Bytes of output that a result keeps beside itself; more becomes a blob."""
FIRST_SIGNAL, LAST_SIGNAL = 128, 191
"""Exit codes that mean a signal: never a success, whatever was expected."""


def run_exec(step: Step, op: ops.Exec, key: str) -> Result:
    """Run a command and return its outputs: the root file system, then one a mount.

    Raises:
        ExecFailed: The exit code is not one that was expected.
        EngineError: The command could not be run at all.
    """
    step.machine.runtime.emulate(op.platform)
    writing, code, streams = _run(step, op)
    snapshots = [writing[0].result]
    for number, mount in enumerate(op.mounts, start=1):
        kept = writing.get(number)
        if kept is not None:
            snapshots.append(kept.result)
        else:
            snapshots.append(step.inputs[mount.input] if mount.input >= 0 else ())
    return Result(
        key=key,
        snapshots=tuple(snapshots),
        exit_code=code,
        stdout=_kept(step, streams.stdout),
        stderr=_kept(step, streams.stderr),
        combined=_kept(step, streams.combined),
    )


def _run(step: Step, op: ops.Exec) -> tuple[dict[int, Writing], int, Streams]:
    """Run the command and return what it wrote, its exit code and its streams."""
    # The services are let go of last: they outlive what is mounted for the command.
    cancelled = step.cancel.is_set
    with (
        step.services.bound(step, op.bindings, cancelled=cancelled) as bound,
        ExitStack() as stack,
    ):
        try:
            here = surround(step, op, stack, Place(hosts=bound.hosts, cancelled=cancelled))
        except Cancelled:
            raise EngineError("nobody waits for it any more") from None
        streams = Streams(step, here.secrets)
        stdin = read_stdin(op, here)
        with written_to_files(op, here, streams):
            process = here.start(step.machine.runtime, stdin)
            with step.cancel.calling(process.kill):
                code = bound.run(process, streams)
            streams.end()
        if not _expected(op.expect, code):
            raise _failed(op, code, streams, full(step.machine.store.root))
    return {0: here.writing, **here.written}, code, streams


def _expected(expect: ops.Expect, code: int) -> bool:
    if FIRST_SIGNAL <= code <= LAST_SIGNAL:
        return False
    match expect:
        case ops.Expect.SUCCESS:
            return code == 0
        case ops.Expect.FAILURE:
            return code != 0
        case ops.Expect.ANY:
            return True


def _failed(op: ops.Exec, code: int, streams: Streams, disk: EngineError | None) -> ExecFailed:
    """Return the error of a command; `disk` is what may be its reason.

    That of a Dockerfile's step begins as Dagger's does, and then names the step.
    """
    message = f"exit code: {code}"
    if op.name:
        message = f"failed to clone built container state: {message}\n{op.name}"
    return ExecFailed(
        f"{message}: {disk}" if disk else message,
        command=op.args,
        exit_code=code,
        stdout=for_error(streams.stdout).strip(),
        stderr=for_error(streams.stderr).strip(),
    )


def _kept(step: Step, output: Output) -> Stream:
    """Return a stream as a result keeps it."""
    if output.size <= INLINE:
        return Stream(inline=output.tail(INLINE))
    output.file.seek(0)
    blob = step.machine.store.blobs.put_stream(output.file, "application/octet-stream")
    return Stream(blob=blob.digest)

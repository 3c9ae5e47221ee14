"""The kubectl of this machine, with the kubeconfig that is meant."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from keelway._secrets import read_own_secret
from keelway.errors import redact
from keelway.kubernetes.spec import KubernetesError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from anyio.abc import ByteReceiveStream, Process

    from keelway._stage import Run
    from keelway.kubernetes.spec import KubernetesSpec

ASKING_S = 60
"""So many seconds an answer may take that waits for nothing."""
_TRIES = 4
_PAUSE_S = 0.5
_MISSING = 127
_TIMED_OUT = 124
_PASSING = (
    "connection refused", "connection reset", "i/o timeout", "TLS handshake timeout", "EOF",
    "server is currently unable", "too many requests", "etcdserver", "no such host",
    "the server is overloaded", "http2: client connection lost",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def complaint(self) -> str:
        """Return what it printed for a person, or else for its caller."""
        return redact((self.stderr if self.stderr.strip() else self.stdout).strip())

    @property
    def may_pass(self) -> bool:
        """Return whether what it complains of may pass: the network, a server that is busy."""
        return any(words in self.stderr for words in _PASSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """The program, for one namespace of one cluster."""

    options: tuple[str, ...]
    """Which cluster and namespace."""

    async def ask(self, *words: str, timeout_s: float = ASKING_S) -> Answer:
        """Return how a command ended, whatever its code."""
        return await _answer(("kubectl", *self.options, *words), timeout_s)

    async def run(self, *words: str, doing: str) -> str:
        """Return what a command printed; it is asked again where a failure may pass.

        Raises:
            KubernetesError: When it fails.
        """
        answer = await self.ask(*words)
        for tried in range(1, _TRIES):
            if not answer.code or not answer.may_pass:
                break
            await anyio.sleep(_PAUSE_S * 2**tried)
            answer = await self.ask(*words)
        if not answer.code:
            return answer.stdout
        if answer.code == _MISSING:
            raise KubernetesError(
                "kubectl is not installed",
                next_step="install it: https://kubernetes.io/docs/tasks/tools/",
            )
        raise KubernetesError(f"{doing} failed", why=answer.complaint or f"exit code {answer.code}")


@asynccontextmanager
async def open_kubectl(run: Run, spec: KubernetesSpec) -> AsyncGenerator[Kubectl]:
    """Yield the program with the kubeconfig that is meant, which is in no file afterwards.

    Raises:
        PlanError: The kubeconfig cannot be read.
    """
    folder = Path(tempfile.mkdtemp(prefix="keelway-kubectl-"))
    options = [f"--namespace={spec.namespace}"]
    try:
        if spec.kubeconfig is not None:
            what = f"the kubeconfig of {spec.target}"
            text = await read_own_secret(spec.kubeconfig, what=what, run=run)
            file = anyio.Path(folder / "config")
            await file.touch(mode=0o600)
            await file.write_text(text)
            options.append(f"--kubeconfig={file}")
        if spec.context is not None:
            options.append(f"--context={spec.context}")
        yield Kubectl(options=tuple(options))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _answer(words: tuple[str, ...], timeout_s: float) -> Answer:
    # Plugins for logging in to a cluster need what the user's own commands see.
    environment: Mapping[str, str] | None = None
    try:
        process = await anyio.open_process(list(words), env=environment, start_new_session=True)
    except OSError as error:
        return Answer(code=_MISSING, stdout="", stderr=f"{words[0]}: {error.strerror}")
    try:
        with anyio.move_on_after(timeout_s):
            return await _ended(process)
        return Answer(code=_TIMED_OUT, stdout="", stderr=f"no end after {timeout_s:g} s")
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.aclose()


async def _ended(process: Process) -> Answer:
    out, err = bytearray(), bytearray()

    async def collect(stream: ByteReceiveStream | None, into: bytearray) -> None:
        if stream is not None:
            async for chunk in stream:
                into.extend(chunk)

    async with anyio.create_task_group() as group:
        group.start_soon(collect, process.stdout, out)
        group.start_soon(collect, process.stderr, err)
        if process.stdin is not None:
            await process.stdin.aclose()
    code = await process.wait()
    return Answer(
        code=code if code >= 0 else 128 - code,
        stdout=out.decode(errors="replace"),
        stderr=err.decode(errors="replace"),
    )

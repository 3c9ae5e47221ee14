"""A session without the SDK: the process as the SDK starts it, and plain HTTP to it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.engines import Engine

STOP_TIMEOUT_S = 30
LABELS = ("--label", "dagger.io/sdk.name:python", "--label", "dagger.io/sdk.version:0.21.8")


@dataclass(slots=True, kw_only=True)
class RawSession:
    """Where a session listens, its token, and its process unless somebody else runs it."""

    port: int
    token: str
    process: subprocess.Popen[str] | None = None
    first_line: str = ""
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(timeout=120, trust_env=False)

    @property
    def url(self) -> str:
        """Return the one address that queries go to."""
        return f"http://127.0.0.1:{self.port}/query"

    def post(self, body: object, **options: Any) -> httpx.Response:
        """Post any JSON to the session, with its token unless `auth` says otherwise."""
        options.setdefault("auth", (self.token, ""))
        return self.client.post(self.url, json=body, **options)

    def answer(self, query: str, **more: Any) -> dict[str, Any]:
        """Return the whole JSON answer to a query."""
        found: dict[str, Any] = self.post({"query": query, **more}).json()
        return found

    def data(self, query: str, **more: Any) -> Any:
        """Return `data` of the answer, which must not have errors."""
        found = self.answer(query, **more)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def error(self, query: str, **more: Any) -> dict[str, Any]:
        """Return the first error of the answer, which must have one."""
        found = self.answer(query, **more)
        assert found.get("errors"), f"no error in {found}"
        first: dict[str, Any] = found["errors"][0]
        return first

    def stop(self) -> int:
        """End the session as the SDK does, by the end of its standard input."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=STOP_TIMEOUT_S)


def start_session(
    engine: Engine, arguments: Sequence[str] = LABELS, *, log: IO[str] | None = None
) -> RawSession:
    """Start `session` and read its one line; the caller ends it. `log` gets what it says."""
    assert engine.program is not None
    process = subprocess.Popen(
        [str(engine.program), "session", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if log is None else log,
        env={**os.environ, **engine.environment},
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        told = json.loads(line)
        port, token = told["port"], told["session_token"]
    except (ValueError, KeyError):
        process.kill()
        process.wait()
        raise AssertionError(f"the session's first line is no connection: {line!r}") from None
    return RawSession(port=port, token=token, process=process, first_line=line)


@contextlib.contextmanager
def raw_session(engine: Engine) -> Iterator[RawSession]:
    """Hold a raw session open: a new one, or the one that was given to the test run."""
    if engine.program is None:
        port, token = os.environ["DAGGER_SESSION_PORT"], os.environ["DAGGER_SESSION_TOKEN"]
        session = RawSession(port=int(port), token=token)
    else:
        session = start_session(engine)
    try:
        yield session
    finally:
        close_session(session)


def close_session(session: RawSession) -> None:
    """End the session's process whatever state it is in, and the client with it."""
    session.client.close()
    process = session.process
    if process is None:
        return
    try:
        if process.poll() is None:
            session.stop()
    except subprocess.TimeoutExpired:
        process.kill()
    finally:
        process.wait(timeout=STOP_TIMEOUT_S)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

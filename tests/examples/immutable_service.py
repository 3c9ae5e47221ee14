"""What the tests of examples/immutable-service share: its NGINX, and clients that do not stop."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.examples import Example
    from tests.support.runtimes import RunningRuntime

PATIENCE_S = 60
URL_PORT = 5190


def work_folder(example: Example) -> Path:
    """Return where the copy's hosts keep everything."""
    return example.host_folder / "immutable-service"


@contextlib.contextmanager
def edge(example: Example) -> Iterator[None]:
    """Run the NGINX of the example's page until the end of the block."""
    need("nginx", package="nginx")
    folder = work_folder(example) / "nginx"
    folder.mkdir(parents=True)
    config = folder / "nginx.conf"
    config.write_text((example.folder / "edge/nginx.conf").read_text())
    started = example.shell(f"nginx -c {config} -e {folder}/error.log")
    assert started.code == 0, started.text()
    try:
        yield
    finally:
        pid = folder / "nginx.pid"
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGTERM)


def url(example: Example, path: str = "/health?ready") -> str:
    """Return where everybody reaches the service."""
    return f"http://127.0.0.1:{example.port(URL_PORT)}{path}"


def health(example: Example, path: str = "/health?ready") -> tuple[int, dict[str, object]]:
    """Ask the service how it is."""
    answer = httpx.get(url(example, path), trust_env=False, timeout=10)
    return answer.status_code, answer.json()


def release(example: Example, day: str, message: str) -> str:
    """Commit at noon of a day, release, and return the version."""
    at = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
    moment = at.isoformat()
    done = example.shell(
        f"git add -A && git commit -q --allow-empty -m '{message}'",
        GIT_COMMITTER_DATE=moment,
        GIT_AUTHOR_DATE=moment,
    )
    assert done.code == 0, done.text()
    # The same sources were tested a moment ago, or are bad on purpose.
    released = example.keelway("release", "--no-tests")
    assert released.code == 0, released.text()
    return f"{at:%Y%m%d-%H%M}"


@dataclass(slots=True)
class Requests:
    """Plain requests, one after the other, that do not stop."""

    url: str
    good: int = 0
    failed: list[str] = field(default_factory=list[str])
    versions: list[str] = field(default_factory=list[str])
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask until it is over."""
        with httpx.Client(trust_env=False, timeout=20) as client:
            while not self.over.is_set():
                try:
                    answer = client.get(self.url)
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                    continue
                if answer.status_code != httpx.codes.OK:
                    self.failed.append(f"{answer.status_code} {answer.text}")
                    continue
                self.good += 1
                version = str(answer.json()["version"])
                if self.versions[-1:] != [version]:
                    self.versions.append(version)
                time.sleep(0.01)


@contextlib.contextmanager
def requests(example: Example) -> Iterator[Requests]:
    """Ask all the time until the end of the block."""
    asked = Requests(url(example))
    thread = threading.Thread(target=asked.run)
    thread.start()
    try:
        yield asked
    finally:
        asked.over.set()
        thread.join(PATIENCE_S)


@dataclass(frozen=True, slots=True)
class Listener:
    """A container that listens, and comes again when it is cut off."""

    docker: RunningRuntime
    container: str

    def heard(self) -> list[int]:
        """Return the numbers of all quotes that it heard."""
        return [int(line.split()[0]) for line in self.docker.command("logs", self.container).splitlines()]


@contextlib.contextmanager
def listener(example: Example, docker: RunningRuntime, image: str) -> Iterator[Listener]:
    """Run the listener that the image has, in this machine's network, until the end of the block."""
    address = f"ws://127.0.0.1:{example.port(URL_PORT)}"
    container = docker.command("run", "--detach", "--network=host", image, "listen", address)
    one = Listener(docker, container)
    try:
        until(lambda: bool(one.heard()), "the listener hears nothing")
        yield one
    finally:
        docker.command("rm", "--force", container)


def until(true: Callable[[], bool], told: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, told
        time.sleep(0.05)

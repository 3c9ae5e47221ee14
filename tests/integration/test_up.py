"""`keelway up` and its sisters: a compose project run for those who develop it."""

from __future__ import annotations

import json
import os
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.leftovers import traces, wait_until
from tests.support.missing import need
from tests.support.projects import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.timeout(900)  # several starts and ends of a project in one story
PATIENCE_S = 120
COMPOSE = """\
name: {name}
services:
  web:
    image: {image}
    command: ["sh", "-c", "{serve}"]
    ports: ["127.0.0.1::8080"]
    depends_on: {{ db: {{ condition: service_healthy }} }}
    healthcheck: {{ test: [CMD, wget, -qO-, "http://127.0.0.1:8080/"], interval: 1s, retries: 60 }}
  db:
    image: {image}
    command: ["sh", "-c", "{db}"]
    volumes: ["data:/data"]
    healthcheck: {{ test: [CMD, test, -f, /ready], interval: 1s, retries: 60 }}
volumes: {{ data: }}
"""
SERVE = "mkdir -p /w; echo hello >/w/index.html; exec httpd -f -p 8080 -h /w"
DATABASE = (
    "trap 'echo goodbye; exit 0' TERM; ls /data; echo kept >/data/it; touch /ready; echo up; "
    "while :; do sleep 0.1; done"
)
WATCHED = """\
name: {name}
services:
  web:
    image: app
    ports: ["127.0.0.1::8080"]
    healthcheck: {{ test: [CMD, wget, -qO-, "http://127.0.0.1:8080/"], interval: 1s, retries: 60 }}
    develop:
      watch:
        - {{ path: pages, action: sync, target: /w, initial_sync: true }}
        - {{ path: word, action: sync+restart, target: /word }}
        - {{ path: version, action: rebuild }}
        - path: orders
          action: sync+exec
          target: /orders
          exec: {{ command: sh -c "cat /orders/it >/w/done" }}
  reader:
    image: {image}
    command: ["sh", "-c", "{read}"]
"""
READ = (
    "echo began; while :; do now=$$(timeout 5 wget -qO- http://web:8080/version 2>/dev/null); "
    "case $$now in ''|$$last) ;; *) echo saw $$now; last=$$now ;; esac; sleep 0.2; done"
)
CONFIG = """\
[project]
name = "watched"
[images.app]
platforms = ["linux/amd64", "linux/arm64"]
"""
DOCKERFILE = """\
FROM {image}
COPY pages /w
COPY version /w/version
COPY word /word
CMD ["sh", "-c", "cp /word /w/word; exec httpd -f -p 8080 -h /w"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A folder with a compose file, and the command in it."""

    project: Project
    name: str
    image: str
    state: Path
    """Where state is kept; no other process knows of it, so that it tells ours from others."""

    def write(self, *, db: str = DATABASE) -> None:
        text = COMPOSE.format(name=self.name, image=self.image, db=db, serve=SERVE)
        self.project.write({"compose.yaml": text})

    def said(self) -> str:
        """Return what the command that runs in the foreground has written."""
        return (self.project.folder / "started.log").read_text()

    def told(self) -> dict[str, Any]:
        """Return the state that is kept; nothing while there is none."""
        file = self.state / "keelway" / "up" / self.name / "state.json"
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return found

    def services(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.told().get("services", ())}

    def healthy(self, name: str) -> bool:
        return self.services().get(name, {}).get("health") == "healthy"

    def port(self, name: str) -> int:
        found: int = self.services()[name]["ports"][0]["published"]
        return found

    def begins_in_background(self) -> int:
        """Start it, and return the port where it serves."""
        started = self.project.keelway("up", "--detach")
        assert started.code == 0, started.text()
        return self.port("web")

    def ends_clean(self) -> bool:
        """Return whether nothing of it is left, after a while."""
        return wait_until(lambda: not traces(str(self.state)), seconds=PATIENCE_S)


@pytest.fixture
def bench(tmp_path: Path, store: Path, samples: SampleImages, nonce: str) -> Iterator[Bench]:
    need("busybox", package="busybox-static")
    state = tmp_path / "state"
    project = Project(
        folder=tmp_path / "project",
        environment={"KEELWAY_STORE": str(store), "XDG_STATE_HOME": str(state)},
    )
    project.folder.mkdir()
    yield Bench(project=project, name=f"up-{nonce[:8]}", image=samples.busybox, state=state)
    if state.exists():
        project.keelway("down", "--timeout", "1")  # what a test that failed has left


def answer(port: int, path: str = "") -> str:
    """Return what a service says at a port of this machine; empty when it says nothing."""
    try:
        found = httpx.get(f"http://127.0.0.1:{port}/{path}", timeout=10)
    except httpx.HTTPError:
        return ""
    return found.text.strip() if found.is_success else ""


def test_it_runs_in_front_in_the_background_and_until_it_is_killed(bench: Bench) -> None:
    bench.write()
    with bench.project.keelway_started("up") as process:
        assert wait_until(lambda: bench.healthy("web"), seconds=PATIENCE_S), bench.said()
        assert answer(bench.port("web")) == "hello"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_S) == 130
    lines = [line for line in bench.said().splitlines() if line.startswith("db  | ")]
    assert lines == ["db  | up", "db  | goodbye"]  # it had its time to end
    assert bench.ends_clean()

    port = bench.begins_in_background()
    assert answer(port) == "hello"
    shown = bench.project.keelway("ps").out
    assert f"127.0.0.1:{port}->8080/tcp" in shown
    # What is in a named volume outlives its services.
    assert bench.project.keelway("logs", "db").out == "db | it\ndb | up\n"
    assert bench.project.keelway("logs", "--tail", "1", "db").out == "db | up\n"
    again = bench.project.keelway("up")
    assert (again.code, "runs already" in again.err) == (3, True)
    ended = bench.project.keelway("down", "--volumes")
    assert ended.code == 0, ended.text()
    assert answer(port) == ""
    assert bench.ends_clean()
    assert "no project runs from here" in bench.project.keelway("logs").err

    port = bench.begins_in_background()
    assert bench.project.keelway("logs", "db").out == "db | up\n"
    os.kill(bench.told()["process"]["pid"], signal.SIGKILL)
    ended = bench.project.keelway("down")
    assert (ended.code, "has gone" in ended.err) == (0, True), ended.text()
    assert answer(port) == ""
    assert bench.ends_clean()


def test_a_port_that_is_taken_is_named_before_anything_starts(bench: Bench) -> None:
    bench.write()
    file = bench.project.folder / "compose.yaml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file.write_text(file.read_text().replace("127.0.0.1::8080", f"127.0.0.1:{port}:8080"))
        told = bench.project.keelway("up")
    assert told.code == 3
    assert f"compose.yaml:6: services.web.ports: port {port} (tcp) of 127.0.0.1 is" in told.err
    assert bench.ends_clean()


def test_a_service_that_exits_at_once_is_told_with_its_reason(bench: Bench) -> None:
    bench.write(db="echo the disk is full; exit 7")
    told = bench.project.keelway("up", "--detach")
    assert told.code == 5, told.text()
    assert "compose.yaml:9: service db exited with code 7" in told.err
    assert "| the disk is full" in told.err
    assert bench.ends_clean()
    # What was written is still there, until somebody tidies up.
    assert "db  | the disk is full" in bench.project.keelway("logs").out
    assert bench.project.keelway("down").code == 0


def test_changed_files_are_acted_on_while_the_others_go_on(bench: Bench) -> None:
    files = {
        "compose.yaml": WATCHED.format(name=bench.name, image=bench.image, read=READ),
        "keelway.toml": CONFIG,
        "Dockerfile": DOCKERFILE.format(image=bench.image),
        "pages/index.html": "one",
        "pages/extra": "extra",
        "word": "one",
        "version": "one",
        "orders/it": "none",
    }
    bench.project.write(files)

    def becomes(path: str, expected: str) -> bool:
        return wait_until(lambda: answer(port, path) == expected, seconds=PATIENCE_S)

    with bench.project.keelway_started("up", "--watch") as process:
        assert wait_until(lambda: bench.healthy("web"), seconds=PATIENCE_S), bench.said()
        port = bench.port("web")
        assert wait_until(lambda: "saw one" in bench.said(), seconds=PATIENCE_S), bench.said()
        assert answer(port, "extra") == "extra"
        # Files are brought, and taken away.
        (bench.project.folder / "pages" / "extra").unlink()
        bench.project.write({"pages/index.html": "two", "pages/sub/new": "new"})
        assert becomes("", "two"), bench.said()
        assert becomes("sub/new", "new"), bench.said()
        assert becomes("extra", ""), bench.said()
        bench.project.write({"orders/it": "jump"})
        assert becomes("done", "jump"), bench.said()
        # What the service reads when it starts.
        bench.project.write({"word": "two"})
        assert becomes("word", "two"), bench.said()
        assert answer(port, "sub/new") == "new"  # it is the same container
        # What is in its image; the port stays, and others find it where it is now.
        bench.project.write({"version": "two"})
        assert becomes("version", "two"), bench.said()
        assert wait_until(lambda: "saw two" in bench.said(), seconds=PATIENCE_S), bench.said()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_S) == 130
    assert bench.said().count("began") == 1  # whom no rule is about was left alone
    assert bench.ends_clean()

"""`keelway base` behind the command: when something is made, and what the lock file says then."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from keelway.bases import Wanted, is_published, update_bases
from keelway.config import load_config
from keelway.errors import PlanError, SessionError
from keelway.facts import Facts, gather_facts
from keelway.tags.reference import parse_reference
from tests.support.recording import RecordingEngine

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from keelway.config import Loaded

OLD = "sha256:" + "a" * 64
NEW = "sha256:" + "b" * 64

FAKE = """#!/bin/sh
for word; do case "$word" in */*.tar) target="$word" ;; esac; done
mkdir -p "$TMPDIR/fake/etc" && echo 12 > "$TMPDIR/fake/etc/debian_version"
tar -C "$TMPDIR/fake" -cf "$target" .
"""


@contextmanager
def registry(status: int) -> Generator[str]:
    """Run a registry that gives one answer to whatever it is asked; the address is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "answer"), [(200, True), (404, False), (401, None), (503, None)]
)
def test_a_registry_tells_or_does_not(status: int, answer: bool | None) -> None:
    with registry(status) as address:
        assert is_published(parse_reference(f"{address}/py@{OLD}")) is answer


def test_a_registry_that_does_not_answer_does_not_tell() -> None:
    assert is_published(parse_reference(f"127.0.0.1:1/py@{OLD}")) is None


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give an environment in which mmdebstrap is a script that makes next to nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "mmdebstrap"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def _project(folder: Path, address: str) -> Loaded:
    (folder / "keelway.toml").write_text(
        f"""
[project]
name = "shop"
[images.shop]
bases = {{ BASE = "py" }}
platforms = ["linux/amd64"]
[base.py]
suite = "bookworm"
packages = ["base-files"]
platforms = ["linux/amd64"]
repository = "{address}/py"
"""
    )
    return load_config(folder)


def _leftovers(folder: Path) -> list[Path]:
    return list(folder.glob(".keelway.lock*"))


def _facts(loaded: Loaded, environment: dict[str, str]) -> Facts:
    return gather_facts(loaded, environment, {"mmdebstrap"})


def _recorded(monkeypatch: pytest.MonkeyPatch, engine: RecordingEngine) -> None:
    for name, value in engine.environment().items():
        monkeypatch.setenv(name, value)


async def test_it_is_made_once_then_found_then_made_again_when_that_is_wanted(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = RecordingEngine()
    with registry(200) as address, engine.serve():
        _recorded(monkeypatch, engine)
        loaded = _project(tmp_path, address)
        engine.answer("publish", f"{address}/py:bookworm@{OLD}")
        first = await update_bases(loaded, _facts(loaded, environment), environment)
        assert [image.reference for image in first.made] == [f"{address}/py@{OLD}"]

        loaded = load_config(tmp_path)  # with the lock file now
        again = await update_bases(loaded, _facts(loaded, environment), environment)
        assert (again.made, again.unchanged) == ((), {"py": f"{address}/py@{OLD}"})
        assert len(engine.asked("publish")) == 1

        wanted = Wanted(again=True)
        engine.answer("publish", f"{address}/py:bookworm@{NEW}")
        await update_bases(loaded, _facts(loaded, environment), environment, wanted)
        assert load_config(tmp_path).pins["py"].reference == f"{address}/py@{NEW}"
        assert not _leftovers(tmp_path)


async def test_it_is_made_again_when_the_registry_lost_it(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = RecordingEngine()
    with registry(404) as address, engine.serve():
        _recorded(monkeypatch, engine)
        loaded = _project(tmp_path, address)
        engine.answer("publish", f"{address}/py:bookworm@{OLD}")
        for _ in range(2):
            loaded = load_config(tmp_path)
            run = await update_bases(loaded, _facts(loaded, environment), environment)
            assert len(run.made) == 1


async def test_nothing_configured_and_unknown_names_are_said(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    loaded = _project(tmp_path, "localhost:5000")
    with pytest.raises(PlanError, match="no base image 'python'"):
        await update_bases(
            loaded, _facts(loaded, environment), environment, Wanted(names=("python",))
        )
    text = (tmp_path / "keelway.toml").read_text().partition("[base.py]")[0]
    (tmp_path / "keelway.toml").write_text(text.replace('bases = { BASE = "py" }', ""))
    loaded = load_config(tmp_path)
    with pytest.raises(PlanError, match="configures no base image"):
        await update_bases(loaded, _facts(loaded, environment), environment)


async def test_without_an_engine_nothing_is_written(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGGER_SESSION_PORT", "1")
    monkeypatch.setenv("DAGGER_SESSION_TOKEN", "x")
    loaded = _project(tmp_path, "localhost:5000")
    with pytest.raises(SessionError):
        await update_bases(loaded, _facts(loaded, environment), environment)
    assert not (tmp_path / "keelway.lock").exists()

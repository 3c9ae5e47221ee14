"""A session whose client is on another machine: what it has as its host is that machine's."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.missing import need
from tests.support.raw_session import RawSession, close_session

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.support.engines import Engine

WORD = "opens-nothing-0815"


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """The client's directory."""
    folder = tmp_path / "client"
    (folder / "tree/deep").mkdir(parents=True)
    (folder / "tree/a.txt").write_text("a\n")
    (folder / "tree/deep/b.log").write_text("b\n")
    (folder / "tree/deep/run.sh").write_text("#!/bin/sh\n")
    (folder / "tree/deep/run.sh").chmod(0o755)
    (folder / "tree/link").symlink_to("deep/b.log")
    (folder / "word").write_text(WORD)
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An engine and its client."""

    engine: subprocess.Popen[bytes]
    client: subprocess.Popen[bytes]
    session: RawSession


@contextlib.contextmanager
def attached(engine: Engine, client: Path, tmp_path: Path) -> Generator[RawSession]:
    """Give a session whose engine and client have different directories and environments."""
    with attached_pair(engine, client, tmp_path) as pair:
        yield pair.session


@contextlib.contextmanager
def attached_pair(engine: Engine, client: Path, tmp_path: Path) -> Generator[Pair]:
    """Run an engine in one directory and environment, and its client in another one."""
    engine.require_local()
    assert engine.program is not None
    (tmp_path / "there").mkdir(exist_ok=True)
    session = subprocess.Popen(
        [str(engine.program), "session", "--attached"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **engine.environment},
        cwd=tmp_path / "there",
        bufsize=0,
    )
    assert session.stdin is not None
    assert session.stdout is not None
    told = json.loads(session.stdout.readline())
    with subprocess.Popen(
        [need("keelway-engine", package="keelway[engine]"), "attach"],
        stdin=session.stdout,
        stdout=session.stdin,
        env={**os.environ, "ONLY_THERE": WORD},
        cwd=client,
    ) as attach:
        session.stdin.close()
        session.stdout.close()
        raw = RawSession(port=told["port"], token=told["session_token"])
        try:
            yield Pair(engine=session, client=attach, session=raw)
        finally:
            close_session(raw)
            session.terminate()
            session.wait(30)


def test_folders_files_and_variables_are_the_clients(
    engine: Engine, client: Path, tmp_path: Path
) -> None:
    with attached(engine, client, tmp_path) as session:
        tree = f'directory(path: "{client}/tree", exclude: ["**/*.log"]) {{ glob(pattern: "**") }}'
        assert session.data(f"{{ host {{ {tree} }} }}")["host"]["directory"]["glob"] == [
            "a.txt", "deep/", "deep/run.sh", "link",
        ]  # fmt: skip
        read = '{ host { file(path: "tree/a.txt") { contents } } }'
        assert session.data(read)["host"]["file"]["contents"] == "a\n"
        assert session.data('{ host { findUp(name: "word") } }')["host"]["findUp"] == "word"
        for uri in ("env://ONLY_THERE", f"file://{client}/word", "cmd://cat word"):
            found = session.data(f'{{ secret(uri: "{uri}") {{ plaintext }} }}')
            assert found["secret"]["plaintext"] == WORD
        missing = session.error('{ secret(uri: "env://PWD_OF_NOBODY") { plaintext } }')
        assert "secret env var not found" in missing["message"]
        gone = session.error(f'{{ host {{ directory(path: "{client}/none") {{ entries }} }} }}')
        assert f"{client}/none: no such file or directory" in gone["message"]
        for query in ('unixSocket(path: "/run/x") { id }', "service(ports: [{backend: 1}]) { id }"):
            refused = session.error(f"{{ host {{ {query} }} }}")
            assert "is not supported by an engine on another machine" in refused["message"]


def test_what_changed_on_the_client_is_seen_by_the_next_session(
    engine: Engine, client: Path, tmp_path: Path
) -> None:
    link = 'file(path: "link") { contents } digest'
    run = f'{{ host {{ directory(path: "{client}/tree") {{ {link} }} }} }}'
    seen: list[str] = []
    for text in ("b\n", "b\n", "new\n"):
        (client / "tree/deep/b.log").write_text(text)
        with attached(engine, client, tmp_path) as session:
            found = session.data(run)["host"]["directory"]
            assert found["file"]["contents"] == text
            seen.append(found["digest"])
    assert seen[0] == seen[1] != seen[2]


def test_the_session_ends_with_its_client(engine: Engine, client: Path, tmp_path: Path) -> None:
    with attached_pair(engine, client, tmp_path) as pair:
        read = '{ host { file(path: "word") { contents } } }'
        assert pair.session.data(read)["host"]["file"]["contents"] == WORD
        pair.client.kill()
        assert pair.engine.wait(60) == 0


def test_exports_are_written_on_the_client_whole(
    engine: Engine, client: Path, tmp_path: Path
) -> None:
    big = "x" * 3_000_000
    (client / "big").write_text(big)
    (client / "kept").write_text("old")
    (client / "kept").chmod(0o640)
    with attached(engine, client, tmp_path) as session:
        copy = '{ host { file(path: "big") { export(path: "%s") } } }'
        assert session.data(copy % "kept")["host"]["file"]["export"] == str(client / "kept")
        assert (client / "kept").read_text() == big
        assert (client / "kept").stat().st_mode & 0o777 == 0o640
        refused = session.error(copy % "tree")
        assert "is a directory" in refused["message"]
        out = f'withNewFile(path: "s/f", contents: "1") {{ export(path: "{client}/out") }}'
        assert session.data(f"{{ directory {{ {out} }} }}")["directory"]["withNewFile"][
            "export"
        ] == str(client / "out")
        assert (client / "out/s/f").read_text() == "1"
        # After an error the next question is understood.
        assert session.data('{ host { file(path: "word") { contents } } }')["host"]
    assert not list((tmp_path / "there").iterdir()), "nothing is written where the engine is"

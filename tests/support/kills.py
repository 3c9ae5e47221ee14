"""Kills of the engine at random points of a build that does a bit of everything.

`Victim` says which of its three processes dies; `Grave` is one store whose engine is killed over
and over, and at the end looked through for anything that is not whole or was left behind.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.support.leftovers import traces, wait_until
from tests.support.raw_session import RawSession, close_session, start_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.engines import Engine
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

SETTLE_S = 20
"""The kernel ends what was killed in its own time, on a loaded machine too."""
STEP = (
    "cat /sums 2>/dev/null | md5sum -c - >/dev/null || [ ! -e /sums ] || exit 9; "
    "head -c {size} /dev/urandom > /f{number}; md5sum /f{number} >> /sums"
)
CHECK = "md5sum -c /sums >/dev/null && wc -l < /sums"
STEPS = 4
BUSY = 0.9
"""The part of the engines that die at work; the others die while they start."""
PRUNES = 0.15
"""The part of the builds beside which nearly all is pruned, so that images are pulled anew."""
LONGEST_S = 0.5
"""They die within this time."""


class Victim(Enum):
    """Who is killed."""

    OUTER = "the process that the client started"
    INIT = "PID 1 of the sandbox"
    ENGINE = "the engine itself"


@dataclass(slots=True, kw_only=True)
class Grave:
    """A store whose engine is killed again and again."""

    engine: Engine
    folder: Path
    registry: Registry
    samples: SampleImages
    seed: int
    kills: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - for repeatable delays
        for name in ("temporary", "tree"):
            (self.folder / name).mkdir(parents=True)
        self.engine = self.engine.with_environment(
            KEELWAY_STORE=str(self.store),
            TMPDIR=str(self.folder / "temporary"),
            KEELWAY_ENGINE_PROGRESS="none",
        )

    @property
    def store(self) -> Path:
        """Return the store's directory."""
        return self.folder / "store"

    def fill(self) -> None:
        """Let one build end, so that later ones begin with commands and not with pulls."""
        session = start_session(self.engine)
        try:
            for text in self._queries(prune=False):
                answer = session.answer(text)
                assert "errors" not in answer, answer["errors"]
            assert session.stop() == 0
        finally:
            close_session(session)

    def kill_once(self, victim: Victim) -> None:
        """Start an engine, let it work for a random time, kill one of its processes."""
        before = {path.name for path in self._sessions()}
        session = start_session(self.engine)
        assert session.process is not None
        try:
            with working(session, self._queries()):
                if self.rng.random() < BUSY:
                    wait_until(lambda: self._at_work(before), seconds=SETTLE_S)
                time.sleep(self.rng.random() ** 2 * LONGEST_S)
                _kill(session.process.pid, victim)
                self.kills += 1
                stdin = session.process.stdin
                assert stdin is not None
                stdin.close()
                session.process.wait(timeout=SETTLE_S)
        finally:
            close_session(session)

    def _sessions(self) -> list[Path]:
        """Return the directories of the sessions that use the store, or were killed in it."""
        return list((self.store / "tmp").glob("*"))

    def _at_work(self, before: set[str]) -> bool:
        """Tell whether a session that was not there before works on something."""
        fresh = [path for path in self._sessions() if path.name not in before]
        return any(list(path.glob("*-*")) for path in fresh)

    def check(self) -> None:
        """Look at what is left, let one more session work, and look again.

        Raises:
            AssertionError: Something is left, or is not whole.
        """
        self._check_nothing_left()
        self.check_whole()
        self.fill()
        session = start_session(self.engine)
        try:
            checked = session.data(self._chain(f"grave-{self.seed}", CHECK))
            assert str(checked).count(f"'{STEPS}\\n'") == 1, checked
            assert session.stop() == 0
        finally:
            close_session(session)
        self._check_nothing_left()
        self.check_whole()
        assert list((self.store / "tmp").iterdir()) == []

    def _check_nothing_left(self) -> None:
        marker = str(self.store)
        assert wait_until(lambda: not traces(marker), seconds=SETTLE_S), traces(marker)
        assert list((self.folder / "temporary").iterdir()) == []

    def check_whole(self) -> None:
        """Check that blobs have their digests, and that all that results name is there.

        Raises:
            AssertionError: Something is missing or damaged.
        """
        blobs = self.store / "blobs" / "sha256"
        for path in blobs.iterdir() if blobs.is_dir() else ():
            with path.open("rb") as file:
                assert hashlib.file_digest(file, "sha256").hexdigest() == path.name
        with contextlib.closing(sqlite3.connect(self.store / "store.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'results'")
            known = tables.fetchall()  # none yet where the first engine was killed at once
            rows = list(database.execute("SELECT layers, blobs FROM results") if known else ())
        for layers, needed in rows:
            for layer in layers.split():
                assert (self.store / "layers" / layer).is_dir(), layer
            for blob in needed.split():
                assert (blobs / blob.removeprefix("sha256:")).is_file(), blob

    # --- the build ----------------------------------------------------------------------------

    def _queries(self, *, prune: bool = True) -> list[str]:
        """Return what one build asks for at once: some of it cached by the builds before."""
        nonce = f"{self.seed}-{self.kills}"
        tree = self._tree(nonce)
        base = f'from(address: "{self._pinned(self.samples.busybox)}")'
        target = f"{self.registry.address}/graves:{self.seed}"
        args = ["sh", "-c", "mkdir /w; echo hello > /w/x; httpd -f -p 80 -h /w"]
        queries = [
            self._chain(f"grave-{self.seed}", CHECK),
            self._chain(nonce, CHECK),
            _nested(tree, "dockerBuild", 'file(path: "/srv/sum")', "contents"),
            _nested(tree, f'export(path: "{self.folder}/out")'),
            _nested(
                "container",
                base,
                f'withNewFile(path: "/n", contents: "{nonce}")',
                f'publish(address: "{target}")',
            ),
            _nested(
                "container",
                base,
                f'withEnvVariable(name: "N", value: "{nonce}")',
                "withExposedPort(port: 80)",
                f"asService(args: {json.dumps(args)})",
                "start",
            ),
        ]
        if prune and self.rng.random() < PRUNES:
            queries.append('{ engine { localCache { prune(maxUsedSpace: "1MB") } } }')
        return queries

    def _tree(self, nonce: str) -> str:
        """Write a folder that can be built; return the fields that lead to it."""
        tree = self.folder / "tree"
        (tree / f"file-{self.kills % 7}").write_text(nonce * 1000)
        (tree / "Dockerfile").write_text(
            f"FROM {self._pinned(self.samples.busybox)} AS a\n"
            f"RUN echo {nonce} > /a; head -c 300000 /dev/zero > /z\n"
            f"FROM {self._pinned(self.samples.configured)}\n"
            "COPY --from=a /a /z /srv/\nUSER root\n"
            "COPY file-* /srv/\nRUN sha256sum /srv/z > /srv/sum\n"
        )
        return f'host {{ directory(path: "{tree}")'

    def _pinned(self, address: str) -> str:
        """Return an image by digest, which takes no time to resolve once it is in the store."""
        if address not in self.digests:
            self.digests[address] = f"{address}@{self.registry.manifest(address)[0]}"
        return self.digests[address]

    def _chain(self, nonce: str, script: str) -> str:
        """Return a query for a chain of commands, each of which checks what those before wrote."""
        steps = [STEP.format(size=200_000, number=number) for number in range(STEPS)]
        return _nested(
            "container",
            f'from(address: "{self._pinned(self.samples.busybox)}")',
            f'withEnvVariable(name: "N", value: "{nonce}")',
            *(f'withExec(args: ["sh", "-c", "{text}"])' for text in [*steps, script]),
            "stdout",
        )


def _nested(*fields: str) -> str:
    """Return a query of fields inside each other."""
    text = " { ".join(fields)
    return "{ " + text + " }" * (text.count(" {") + 1)


@contextlib.contextmanager
def working(session: RawSession, queries: list[str]) -> Iterator[None]:
    """Have a session work on queries for the time of the block; what they answer is ignored."""

    def ask(text: str) -> None:
        with contextlib.suppress(httpx.TransportError, ValueError):
            session.answer(text)

    with concurrent.futures.ThreadPoolExecutor(len(queries)) as pool:
        for text in queries:
            pool.submit(ask, text)
        yield


def _kill(outer: int, victim: Victim) -> None:
    """Kill one of the engine's three processes; the outermost if that one is not there yet."""
    chain = [outer]
    while len(chain) < len(Victim) and (children := _children(chain[-1])):
        chain.append(children[0])
    depth = min(list(Victim).index(victim), len(chain) - 1)
    with contextlib.suppress(ProcessLookupError):
        os.kill(chain[depth], signal.SIGKILL)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def cgroups() -> frozenset[str]:
    """Return the control groups that engines have made on this machine."""
    found = subprocess.run(
        ["find", "/sys/fs/cgroup", "-name", "keelway-*", "-type", "d"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    return frozenset(found.stdout.split())

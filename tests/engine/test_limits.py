"""Much of everything, with the memory of the engine watched all the time.

`KEELWAY_TEST_SOAK=1` makes the numbers larger.
"""

from __future__ import annotations

import concurrent.futures
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.memory import watched
from tests.support.raw_session import raw_session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.engines import Engine
    from tests.support.raw_session import RawSession
    from tests.support.sample_images import SampleImages

pytestmark = [
    pytest.mark.usefixtures("local_only"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

SOAK = bool(os.environ.get("KEELWAY_TEST_SOAK"))
TIMES = 4 if SOAK else 1
MOST_MIB = 300
LARGE = 100_000_000


def nested(*fields: str) -> str:
    """Return a query of fields inside each other."""
    text = " { ".join(fields)
    return "{ " + text + " }" * (text.count(" {") + 1)


def leaf(data: Any) -> Any:
    """Return the one leaf of an answer."""
    while isinstance(data, dict):
        (data,) = data.values()
    return data


def shell(script: str) -> str:
    """Return the field of a command; its script has no quotes."""
    return f'withExec(args: ["sh", "-c", "{script}"])'


def ask_alone(session: RawSession, query: str) -> Any:
    """Return the data of an answer that was asked for on a connection of its own."""
    with httpx.Client(trust_env=False, timeout=200) as client:
        answer = client.post(session.url, json={"query": query}, auth=(session.token, "")).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


@pytest.fixture(scope="module")
def session(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawSession]:
    """A session for all cases, with a store of its own."""
    engine.require_local()
    store = tmp_path_factory.mktemp("limits") / "store"
    own = engine.with_environment(KEELWAY_STORE=str(store), KEELWAY_ENGINE_PROGRESS="none")
    with raw_session(own) as opened:
        opened.client.timeout = httpx.Timeout(300)
        yield opened


@pytest.fixture(autouse=True)
def memory_stays_small(session: RawSession) -> Iterator[None]:
    """Watch the engine during each case."""
    assert session.process is not None
    with watched(session.process.pid) as memory:
        yield
    assert 0 < memory.peak_mib < MOST_MIB


@pytest.fixture
def base(samples: SampleImages) -> tuple[str, str]:
    """The fields that lead to the busybox image."""
    return ("container", f'from(address: "{samples.busybox}")')


def test_five_hundred_commands_in_pieces(
    session: RawSession, base: tuple[str, str], nonce: str
) -> None:
    """The SDK sends a long chain in pieces, each of which begins with the ID of the one before."""
    here = leaf(session.data(nested(*base, "id")))
    for piece in range(10 * TIMES):
        steps = [shell(f"echo {nonce}-{piece}-{number} >> /log") for number in range(50)]
        here = leaf(session.data(nested(f'loadContainerFromID(id: "{here}")', *steps, "id")))
    began = time.monotonic()
    count = nested(f'loadContainerFromID(id: "{here}")', shell("sort -u /log | wc -l"), "stdout")
    assert leaf(session.data(count)) == f"{500 * TIMES}\n"
    first = time.monotonic() - began
    began = time.monotonic()
    assert leaf(session.data(count)) == f"{500 * TIMES}\n"
    assert time.monotonic() - began < max(2, first / 5)


def test_two_hundred_commands_at_once_leave_room_for_others(
    session: RawSession, base: tuple[str, str], nonce: str
) -> None:
    def run(number: int) -> object:
        mark = f'withEnvVariable(name: "N", value: "{nonce}-{number}")'
        return leaf(ask_alone(session, nested(*base, mark, shell("sleep 0.5; echo $N"), "stdout")))

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        pending = pool.map(run, range(200 * TIMES))
        time.sleep(1)
        began = time.monotonic()
        small = f'withNewFile(path: "a", contents: "{nonce}")'
        assert leaf(ask_alone(session, nested("directory", small, "entries"))) == ["a"]
        assert time.monotonic() - began < 20
        assert list(pending) == [f"{nonce}-{number}\n" for number in range(200 * TIMES)]


@pytest.mark.parametrize("fields", [("stdout",), ('file(path: "/copy")', "contents")])
def test_hundred_megabytes_of_text(
    session: RawSession, base: tuple[str, str], nonce: str, fields: tuple[str, ...]
) -> None:
    script = f"head -c {LARGE} /dev/zero | tr '\\\\0' x | tee /copy; : {nonce}"
    answer = session.post({"query": nested(*base, shell(script), *fields)})
    assert len(answer.content) > LARGE
    assert len(leaf(answer.json()["data"])) == LARGE


def test_fifty_thousand_files_come_go_and_are_copied(
    session: RawSession, base: tuple[str, str], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    for folder in range(500 * TIMES):
        (tree / str(folder)).mkdir(parents=True)
        for number in range(100):
            (tree / str(folder) / str(number)).touch()
    files = 50_000 * TIMES
    here = leaf(session.data(nested(f'host {{ directory(path: "{tree}")', "id")))
    with_tree = f'withDirectory(path: "/tree", source: "{here}")'
    count = shell("cp -r /tree /copy; find /copy -type f | wc -l")
    assert leaf(session.data(nested(*base, with_tree, count, "stdout"))) == f"{files}\n"
    out = tmp_path / "out"
    export = f'export(path: "{out}")'
    session.data(nested(*base, with_tree, count, 'directory(path: "/copy")', export))
    assert sum(len(names) for _, _, names in os.walk(out)) == files


def test_file_of_two_gibibytes_comes_and_goes(
    session: RawSession, base: tuple[str, str], tmp_path: Path
) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate((2 << 30) + 5)
        file.seek(1 << 30)
        file.write(b"middle")
        file.seek(2 << 30)
        file.write(b"last\n")
    here = leaf(session.data(nested(f'host {{ file(path: "{large}")', "id")))
    mounted = f'withMountedFile(path: "/large", source: "{here}")'
    script = "wc -c < /large; tail -c 5 /large; ln -s /large /link"
    said = leaf(session.data(nested(*base, mounted, shell(script), "stdout")))
    assert said == f"{(2 << 30) + 5}\nlast\n"
    out = tmp_path / "out"
    session.data(nested(f'loadFileFromID(id: "{here}")', f'export(path: "{out}")'))
    assert out.stat().st_size == (2 << 30) + 5
    with out.open("rb") as file:
        for place, said in ((0, bytes(6)), (1 << 30, b"middle"), (2 << 30, b"last\n")):
            file.seek(place)
            assert file.read(len(said)) == said


def test_thousand_connections_with_and_without_sense(
    session: RawSession, base: tuple[str, str]
) -> None:
    sockets: list[socket.socket] = []
    try:
        for number in range(900):
            connection = socket.create_connection(("127.0.0.1", session.port))
            sockets.append(connection)
            if number % 3 == 0:  # one that never ends its request
                connection.send(b"POST /query HTTP/1.1\r\nHost: x\r\n")
            elif number % 3 == 1:
                connection.send(os.urandom(100))
        found = ask_alone(session, nested(*base, shell("echo fine"), "stdout"))
        assert leaf(found) == "fine\n"
    finally:
        for connection in sockets:
            connection.close()


def test_body_that_is_too_large_is_refused_at_its_head(session: RawSession) -> None:
    body = b'{"query": "' + b"x" * 70_000_000 + b'"}'
    try:
        answer = session.client.post(session.url, content=body, auth=(session.token, ""))
    except httpx.TransportError:
        return  # refused while it was still being sent
    assert answer.status_code == 413


def test_two_sessions_with_the_same_and_with_other_work(
    engine: Engine, tmp_path: Path, samples: SampleImages, nonce: str
) -> None:
    """From an empty store: both pull the same image, run the same chain, and one more each."""
    own = engine.with_environment(KEELWAY_STORE=str(tmp_path / "shared"))
    base = ("container", f'from(address: "{samples.busybox}")')
    same = [shell(f"echo {nonce}-{number} >> /log; head -c 100000 /dev/urandom > /noise-{number}")
            for number in range(5)]  # fmt: skip

    def work(name: str) -> list[object]:
        with raw_session(own) as mine:
            first = leaf(mine.data(nested(*base, *same, shell("wc -l < /log"), "stdout")))
            other = leaf(mine.data(nested(*base, *same, shell(f"echo {name}"), "stdout")))
            again = leaf(mine.data(nested(*base, *same, shell("cat /noise-* | wc -c"), "stdout")))
            return [first, other, again]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        names = [str(number) for number in range(4)]
        found = list(pool.map(work, names))
    assert found == [["5\n", f"{name}\n", "500000\n"] for name in names]

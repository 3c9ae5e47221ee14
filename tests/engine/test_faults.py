"""Registries that fail, blobs that are damaged, disks that are full: told clearly, and mended."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.leftovers import traces, wait_until
from tests.support.missing import missing, need, root_only
from tests.support.raw_session import raw_session
from tests.support.troubled_registry import (
    Trouble,
    Troubles,
    corrupt,
    reset,
    slow,
    stalled,
    troubled_registry,
    unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.engines import Engine
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")

MANY = 1000


def nested(*fields: str) -> str:
    """Return a query of fields inside each other."""
    text = " { ".join(fields)
    return "{ " + text + " }" * (text.count(" {") + 1)


def leaf(data: Any) -> Any:
    """Return the one leaf of an answer."""
    while isinstance(data, dict):
        (data,) = data.values()
    return data


@pytest.fixture
def troubles(registry: Registry) -> Iterator[Troubles]:
    """A registry between the engine and the real one, which has the sample images."""
    with troubled_registry(registry) as found:
        yield found


@pytest.fixture
def image(troubles: Troubles, registry: Registry, samples: SampleImages) -> str:
    """The busybox image, by way of the registry with troubles."""
    return samples.busybox.replace(registry.address, troubles.address)


def run(image: str, script: str, field: str = "stdout") -> str:
    """Return a query for a command in an image."""
    return nested(
        "container", f'from(address: "{image}")', f'withExec(args: ["sh", "-c", "{script}"])', field
    )


# --- registries ------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [unavailable, reset, slow])
def test_passing_trouble_of_a_registry_is_not_noticed(
    fresh_engine: Engine, troubles: Troubles, image: str, trouble: Trouble
) -> None:
    troubles.blobs, troubles.times = trouble, 1
    with raw_session(fresh_engine) as session:
        assert leaf(session.data(run(image, "echo fine"))) == "fine\n"


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (unavailable, r"the registry {0} failed or is too busy, in 3 tries: .*503"),
        (reset, r"pull .*the registry {0} "),
        (corrupt, r"pull .*the registry {0} .*[Dd]igest did not match"),
    ],
)
def test_lasting_trouble_is_told_and_over_with_its_cause(
    fresh_engine: Engine, troubles: Troubles, image: str, trouble: Trouble, told: str
) -> None:
    troubles.blobs, troubles.times = trouble, MANY
    with raw_session(fresh_engine) as session:
        message = session.error(run(image, "echo fine"))["message"]
        assert re.search(told.format(troubles.address), message, re.DOTALL), message
        troubles.times = 0
        assert leaf(session.data(run(image, "echo fine"))) == "fine\n"


def test_closed_registry_is_named_with_what_to_do(fresh_engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with raw_session(fresh_engine) as session:
        message = session.error(run(f"{address}/x:1", "true"))["message"]
    assert f"the registry {address} was not reached in 3 tries" in message
    assert "Check its address and the network" in message


def test_publish_survives_a_passing_trouble(
    fresh_engine: Engine, troubles: Troubles, image: str, nonce: str
) -> None:
    made = (
        "container",
        f'from(address: "{image}")',
        f'withNewFile(path: "/n", contents: "{nonce}")',
    )
    target = f"{troubles.address}/test/troubled:{nonce}"
    with raw_session(fresh_engine) as session:
        session.data(nested(*made, "sync"))
        troubles.uploads, troubles.times = unavailable, 1
        digest = leaf(session.data(nested(*made, f'publish(address: "{target}")')))
        assert digest.startswith(f"{target}@sha256:")


def test_pull_whose_program_is_killed_starts_again(
    fresh_engine: Engine, troubles: Troubles, image: str
) -> None:
    troubles.blobs, troubles.times = stalled, 1
    with raw_session(fresh_engine) as session, concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(session.data, run(image, "echo fine"))
        marker = fresh_engine.environment["KEELWAY_STORE"]

        def pulls() -> list[int]:
            lines = traces(marker).processes
            return [int(line.split()[0]) for line in lines if "copy --quiet" in line]

        assert wait_until(lambda: bool(pulls()) and troubles.times == 0, seconds=60)
        os.kill(pulls()[0], signal.SIGKILL)
        assert leaf(answer.result(timeout=60)) == "fine\n"


def test_pull_that_nobody_waits_for_any_more_is_ended(
    fresh_engine: Engine, troubles: Troubles, image: str
) -> None:
    troubles.blobs, troubles.times = stalled, 1
    marker = fresh_engine.environment["KEELWAY_STORE"]
    with raw_session(fresh_engine) as session:
        pulled = leaf(session.data(run(image, "true", 'directory(path: "/etc") { id')))
        missing = leaf(session.data('{ directory { file(path: "nowhere") { id } } }'))
        copied = nested("directory", f'withFile(path: "/f", source: "{missing}")', "id")
        failing = leaf(session.data(copied))
        sources = [f'withDirectory(path: "/", source: "{one}")' for one in (pulled, failing)]
        query = nested("directory", *sources, "entries")
        assert "nowhere" in session.error(query)["message"]
        time.sleep(3)  # it has begun, or has been ended before that

        def pulling() -> bool:
            return any("copy --quiet" in line for line in traces(marker).processes)

        assert wait_until(lambda: not pulling(), seconds=30)
        assert leaf(session.data(run(image, "echo fine"))) == "fine\n"


def test_interrupted_pull_is_done_by_the_next_session(
    fresh_engine: Engine, troubles: Troubles, image: str
) -> None:
    troubles.blobs, troubles.times = stalled, 1
    with raw_session(fresh_engine) as session, concurrent.futures.ThreadPoolExecutor(1) as pool:
        pending = pool.submit(session.answer, run(image, "echo fine"))
        assert wait_until(lambda: troubles.times == 0, seconds=60)
        assert session.process is not None
        session.process.kill()
        assert pending.exception(timeout=60) is not None
    with raw_session(fresh_engine) as session:
        assert leaf(session.data(run(image, "echo fine"))) == "fine\n"


# --- the store -------------------------------------------------------------------------------


def blobs_of(engine: Engine) -> list[Path]:
    """Return the blobs of a store, the largest first."""
    folder = Path(engine.environment["KEELWAY_STORE"]) / "blobs" / "sha256"
    return sorted(folder.iterdir(), key=lambda path: -path.stat().st_size)


def flip(path: Path) -> None:
    """Change a byte of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [Path.unlink, flip])
def test_damaged_base_layer_is_told_at_the_publish_and_pulled_again(  # noqa: PLR0917 - fixtures and a parameter
    fresh_engine: Engine,
    tmp_path: Path,
    image: str,
    troubles: Troubles,
    registry: Registry,
    nonce: str,
    damage: Callable[[Path], object],
) -> None:
    """The layer is nowhere else, or `skopeo` would have the registry take it from there."""
    base = f"{troubles.address}/{nonce}/base:1"
    with raw_session(fresh_engine) as session:
        large = 'withExec(args: ["sh", "-c", "head -c 3000000 /dev/urandom > /large"])'
        fields = ("container", f'from(address: "{image}")', large)
        session.data(nested(*fields, f'publish(address: "{base}")'))
    other = fresh_engine.with_environment(KEELWAY_STORE=str(tmp_path / "other"))
    made = ("container", f'from(address: "{base}")', 'withNewFile(path: "/n", contents: "n")')
    with raw_session(other) as session:
        session.data(nested(*made, "sync"))
    damage(blobs_of(other)[0])
    publish = nested(*made, f'publish(address: "{registry.address}/{nonce}/damaged:1")')
    with raw_session(other) as session:
        assert "try again" in session.error(publish)["message"]
    with raw_session(other) as session:
        assert "@sha256:" in leaf(session.data(publish))


def test_damaged_manifest_is_fetched_again(fresh_engine: Engine, samples: SampleImages) -> None:
    with raw_session(fresh_engine) as session:
        session.data(run(samples.busybox, "true"))
    for path in blobs_of(fresh_engine):
        if path.stat().st_size < 10_000:
            flip(path)
    with raw_session(fresh_engine) as session:
        assert leaf(session.data(run(samples.busybox, "echo fine"))) == "fine\n"


def test_damaged_database_is_replaced(fresh_engine: Engine, samples: SampleImages) -> None:
    with raw_session(fresh_engine) as session:
        session.data(run(samples.busybox, "true"))
    database = Path(fresh_engine.environment["KEELWAY_STORE"]) / "store.db"
    database.write_bytes(os.urandom(50_000))
    with raw_session(fresh_engine) as session:
        assert leaf(session.data(run(samples.busybox, "echo fine"))) == "fine\n"


def test_store_of_a_later_version_is_left_alone(fresh_engine: Engine) -> None:
    store = Path(fresh_engine.environment["KEELWAY_STORE"])
    store.mkdir()
    (store / "format").write_text('{"format": 99}')
    with raw_session(fresh_engine) as session:
        message = session.error("{ directory { entries } }")["message"]
    assert "has the format 99, this engine knows" in message
    assert "set KEELWAY_STORE to another directory" in message
    assert (store / "format").read_text() == '{"format": 99}'


@pytest.fixture
def small_disk(fresh_engine: Engine, tmp_path: Path) -> Iterator[tuple[Engine, Path]]:
    """An engine whose store is on a disk of 24 MB."""
    root_only("an ordinary user mounts no disk of a size")
    need("mount", package="mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(disk)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        missing(f"the right to mount a disk ({done.stderr.strip()})")
    try:
        yield fresh_engine.with_environment(KEELWAY_STORE=str(disk / "store")), disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_full_disk_is_told_by_whatever_meets_it_and_small_work_goes_on(
    small_disk: tuple[Engine, Path], samples: SampleImages, registry: Registry, tmp_path: Path
) -> None:
    engine, _ = small_disk
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "large").write_bytes(os.urandom(25_000_000))
    base = ("container", f'from(address: "{samples.busybox}")')
    noise = 'withExec(args: ["sh", "-c", "head -c {0} /dev/urandom > /x"])'
    publish = f'publish(address: "{registry.address}/full:1")'
    for query in (
        nested(*base, noise.format(25_000_000), "sync"),
        nested(*base, 'withExec(args: ["sh", "-c", "head -c 25000000 /dev/urandom"])', "sync"),
        nested(f'host {{ directory(path: "{tmp_path}/host")', "sync"),
        nested(f'host {{ file(path: "{tmp_path}/host/large")', "sync"),
        nested(*base, noise.format(12_000_000), "asTarball", "size"),
        nested(*base, noise.format(12_000_000), publish),
    ):
        with raw_session(engine) as session:
            message = session.error(query)["message"]
            assert "the store can't be written to: " in message
            assert "keelway-engine prune" in message
        with raw_session(engine) as session:
            assert leaf(session.data(run(samples.busybox, "echo fine"))) == "fine\n"
            session.data("{ engine { localCache { prune } } }")


def test_disk_that_is_full_to_the_last_byte_is_told_and_over_when_it_is_not(
    small_disk: tuple[Engine, Path], samples: SampleImages
) -> None:
    engine, disk = small_disk
    with raw_session(engine) as session:
        session.data(run(samples.busybox, "true"))
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with raw_session(engine) as session:
        message = session.error(run(samples.busybox, "echo fine"))["message"]
        assert "full" in message or "No space left" in message
    (disk / "filler").unlink()
    with raw_session(engine) as session:
        assert leaf(session.data(run(samples.busybox, "echo fine"))) == "fine\n"


def test_disk_that_is_read_only_is_told_before_the_first_line(
    small_disk: tuple[Engine, Path],
) -> None:
    engine, disk = small_disk
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = subprocess.run(
        [str(engine.program), "session"],
        env={**os.environ, **engine.environment},
        check=False,
        input="",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "set KEELWAY_STORE to a directory of your own" in done.stderr

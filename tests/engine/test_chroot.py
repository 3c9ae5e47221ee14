"""Where neither mounts nor namespaces are allowed: commands run in a chroot, and this is said.

`tests/engine/chroot_limits.py` says which other cases run there as well; these are its own.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import io
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import dagger
import pytest
import pytest_asyncio

from tests.support.engines import Engine, may_be_unprivileged, sdk_session
from tests.support.leftovers import traces, wait_until
from tests.support.missing import missing, need, root_only
from tests.support.raw_session import RawSession, close_session, start_session
from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.usefixtures("local_only")

STATE = Path("/dev/shm")

EVERY_KIND_OF_CHANGE = """
set -e
mkdir -p /a/b/c /other && cd /a
echo new > new; ln -s new link; ln new twin; mkfifo pipe; chmod 600 new
echo more >> /etc/passwd; rm /etc/group; chown 1000:50 /etc
rm -r /srv-data/gone; rm -r /srv-data/again && mkdir /srv-data/again && echo 2 > /srv-data/again/two
mv /srv-data/moved /other/; rm /srv-data/file && mkdir /srv-data/file && touch /srv-data/file/x
rm -r /srv-data/folder && echo now a file > /srv-data/folder; touch -d '2001-01-01' /srv-data/same
"""


@pytest.fixture(scope="module")
def lesser(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The engine as a job of Kubernetes or GitLab would start it, with a store of its own."""
    engine.require_local()
    root_only("an ordinary user has no privileges that can be given up")
    if not may_be_unprivileged():
        missing("root, who can give up privileges to be like root in a container")
    scratch = tmp_path_factory.mktemp("chroot")
    return engine.unprivileged(scratch).with_environment(KEELWAY_STORE=str(scratch / "store"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def chroot(lesser: Engine) -> AsyncIterator[dagger.Client]:
    """One session without privileges for all cases."""
    async with sdk_session(lesser) as client:
        yield client


@pytest.fixture
def jail(chroot: dagger.Client, samples: SampleImages) -> dagger.Container:
    """A container of that session."""
    return chroot.container().from_(samples.busybox)


@pytest.fixture
def killable(lesser: Engine) -> Iterator[RawSession]:
    """A session that may be killed."""
    session = start_session(lesser)
    yield session
    close_session(session)


async def test_it_is_taken_where_nothing_else_is_allowed_and_said_aloud(
    lesser: Engine, samples: SampleImages
) -> None:
    said = io.StringIO()
    async with sdk_session(lesser, log=said) as client:
        assert await output(client.container().from_(samples.busybox), "id -u") == "0\n"
    assert "SECOND-CLASS ISOLATION (chroot)" in said.getvalue()


async def test_namespaces_can_be_insisted_on(lesser: Engine) -> None:
    insisting = lesser.with_environment(KEELWAY_ENGINE_ISOLATION="namespace")
    with pytest.raises(dagger.DaggerError, match="root may make neither namespaces"):
        async with sdk_session(insisting) as client:
            await client.version()


def changed(base: dagger.Container) -> dagger.Container:
    """Return the same changes to the same tree, made with whatever engine the base is of."""
    made = base.with_new_file("/srv-data/file", "1").with_new_file("/srv-data/same", "same")
    for folder in ("gone", "again", "moved", "folder"):
        made = made.with_new_file(f"/srv-data/{folder}/one", folder)
    return shell(shell(made, EVERY_KIND_OF_CHANGE), "rm /a/b/c -r; echo last >> /srv-data/same")


async def test_changes_are_those_that_an_overlay_keeps(
    jail: dagger.Container, base: dagger.Container
) -> None:
    here, there = changed(jail), changed(base)
    assert await here.rootfs().digest() == await there.rootfs().digest()
    assert await here.directory("/srv-data").entries() == [
        "again/",
        "file/",
        "folder",
        "same",
    ]


async def test_a_step_never_changes_what_it_started_from(
    jail: dagger.Container, nonce: str
) -> None:
    ready = jail.with_new_file("/file", nonce)
    first = shell(ready, "echo first >> /file; rm -r /etc")
    second = shell(ready, "echo second >> /file")
    assert await first.file("/file").contents() == f"{nonce}first\n"
    assert await second.file("/file").contents() == f"{nonce}second\n"
    assert await ready.file("/file").contents() == nonce
    assert await output(ready, "cat /file; grep -c root /etc/passwd") == f"{nonce}1\n"


async def test_command_that_changes_nothing_leaves_nothing(
    chroot: dagger.Client, jail: dagger.Container, nonce: str
) -> None:
    ready = (
        jail.with_mounted_secret("/run/deep/secret", chroot.set_secret(nonce, nonce))
        .with_mounted_directory("/mnt/x", chroot.directory().with_new_file("f", nonce))
        .with_mounted_cache("/mnt/cache", chroot.cache_volume(nonce))
        .with_mounted_temp("/scratch")
    )
    after = shell(ready, "echo x > /scratch/x; echo x > /mnt/cache/x; echo x >> /etc/hosts")
    assert await after.rootfs().digest() == await jail.rootfs().digest()


async def test_writes_to_a_read_only_mount_reach_nobody(
    chroot: dagger.Client, jail: dagger.Container, nonce: str
) -> None:
    source = chroot.directory().with_new_file("f", nonce)
    ready = jail.with_mounted_directory("/src", source, read_only=True)
    after = shell(ready, "echo changed > /src/f")
    assert await output(after, "cat /src/f") == nonce
    assert await source.file("f").contents() == nonce


async def test_what_a_command_leaves_running_is_ended(jail: dagger.Container, nonce: str) -> None:
    await settle(shell(jail, f"(setsid sleep 300; : {nonce}) >/dev/null 2>&1 & echo $!"))
    assert not traces(nonce).processes


async def test_service_is_found_by_name_at_an_address_of_its_own(
    jail: dagger.Container, nonce: str
) -> None:
    serving = jail.with_new_file("/index.html", nonce).with_exposed_port(8765)
    web = serving.as_service(args=["httpd", "-f", "-p", "8765", "-h", "/"])
    client = jail.with_service_binding("web", web)
    said = await output(client, "wget -qO- http://web:8765/; grep -w web /etc/hosts")
    assert said.startswith(nonce)
    assert said.removeprefix(nonce).startswith("127.")
    assert not said.removeprefix(nonce).startswith("127.0.0.1\t")


async def test_privileges_are_refused_by_name(jail: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="insecureRootCapabilities: isolation chroot"):
        await settle(jail.with_exec(["true"], insecure_root_capabilities=True))


@pytest.mark.parametrize("proc", ["none", "proot"])
async def test_proc_is_there_by_proot_only(
    lesser: Engine, samples: SampleImages, nonce: str, proc: str
) -> None:
    if proc == "proot":
        need("proot", package="proot")
    async with sdk_session(lesser.with_environment(KEELWAY_ENGINE_PROC=proc)) as client:
        ready = client.container().from_(samples.busybox).with_env_variable("N", nonce)
        said = await output(
            ready, "cat /proc/self/comm || echo none; (echo out > /dev/stdout) || true"
        )
    assert said == ("cat\nout\n" if proc == "proot" else "none\n")


QUERY = """{{ container {{ from(address: "{image}") {{
  withMountedSecret(path: "/run/secret", source: "{secret}") {{
  withEnvVariable(name: "PLAIN", value: "{mark}") {{
  withExec(args: ["sh", "-c", "cat /run/secret > /dev/null; : {mark}; sleep 300; true"]) {{
  stdout }} }} }} }} }} }}"""


def files_with(folder: Path, data: bytes) -> list[Path]:
    """Return the regular files below a folder that contain some bytes; what goes has none."""
    found: list[Path] = []
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and not path.is_symlink() and data in path.read_bytes():
                    found.append(path)
    return found


@pytest.mark.parametrize("victim", ["outer", "engine", "launcher"])
def test_killed_it_leaves_no_process_and_no_secret(
    killable: RawSession, lesser: Engine, samples: SampleImages, nonce: str, victim: str
) -> None:
    store = Path(lesser.environment["KEELWAY_STORE"])
    secret = f"secret-of-{nonce[::-1]}"
    asked = killable.data(f'{{ setSecret(name: "{nonce}", plaintext: "{secret}") {{ id }} }}')
    text = QUERY.format(image=samples.busybox, secret=asked["setSecret"]["id"], mark=nonce)
    assert killable.process is not None
    outer = killable.process.pid
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pending = pool.submit(killable.post, {"query": text})
        assert wait_until(lambda: bool(running(f"sh -c .*{nonce}")), seconds=60)
        time.sleep(0.3)
        assert files_with(store, secret.encode()) == []
        engine = children(outer)[0]
        launcher = children(engine)[0]
        os.kill({"outer": outer, "engine": engine, "launcher": launcher}[victim], signal.SIGKILL)
        pending.exception(timeout=60)
    assert wait_until(lambda: not running(nonce), seconds=10), running(nonce)
    if victim != "launcher":
        assert wait_until(lambda: not files_with_state(secret), seconds=10)
        assert not list(store.glob(f"**/*{nonce}*"))
    assert files_with(store, secret.encode()) == []


def files_with_state(secret: str) -> list[Path]:
    """Return what an engine left of a secret in memory."""
    folders = STATE.glob("keelway-engine-*")
    return [path for folder in folders for path in files_with(folder, secret.encode())]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


def running(pattern: str) -> list[str]:
    """Return the command lines that a pattern is found in, those of tests aside."""
    done = subprocess.run(
        [need("pgrep", package="procps"), "-af", pattern],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in done.stdout.splitlines() if "pytest" not in line]


@pytest.fixture
def on_overlay(lesser: Engine, tmp_path: Path) -> Iterator[Engine]:
    """The engine with its store in a container's file system, which is an overlay."""
    folders = [tmp_path / name for name in ("lower", "upper", "work", "merged")]
    for folder in folders:
        folder.mkdir()
    lower, upper, work, merged = folders
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    command = [need("mount", package="mount"), "-t", "overlay", "overlay", "-o", options]
    done = subprocess.run([*command, str(merged)], capture_output=True, text=True, check=False)
    if done.returncode:
        missing(f"a file system that an overlay can be on: {done.stderr.strip()}")
    yield lesser.with_environment(KEELWAY_STORE=str(merged / "store"))
    subprocess.run([need("umount", package="mount"), "--lazy", str(merged)], check=True)


async def test_store_may_be_in_the_file_system_of_a_container(
    on_overlay: Engine, samples: SampleImages, base: dagger.Container
) -> None:
    async with sdk_session(on_overlay) as client:
        made = changed(client.container().from_(samples.busybox))
        assert await made.rootfs().digest() == await changed(base).rootfs().digest()
        assert "group" not in await made.directory("/etc").entries()

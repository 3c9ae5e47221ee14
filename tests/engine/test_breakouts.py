"""Classic ways out of a container, each really tried by root inside: none may lead anywhere.

Above each is what protects. The attempts are perl's bare system calls where no program makes them.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import dagger
import pytest
import pytest_asyncio

from tests.support.missing import missing
from tests.support.programs import with_perl
from tests.support.shell import listing, output, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.sample_images import SampleImages

NUMBERS = {
    "ptrace": (101, 117),
    "mount": (165, 40),
    "reboot": (169, 142),
    "settimeofday": (164, 170),
    "init_module": (175, 105),
    "kexec_load": (246, 104),
    "add_key": (248, 217),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "mknodat": (259, 33),
}
"""System calls on x86_64 and on aarch64."""
REFUSED = {1, 38}
"""EPERM and ENOSYS."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def inside(dag: dagger.Client, samples: SampleImages) -> dagger.Container:
    """A container with perl."""
    return await with_perl(dag, dag.container().from_(samples.busybox)).sync()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the host that nobody inside may see or write to."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("of the host")
    return folder


@pytest.fixture
def sentinel(nonce: str) -> Iterator[int]:
    """A process of the host, with `nonce` on its command line."""
    code = "import time; time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", code, f"sentinel-{nonce}"])
    try:
        yield process.pid
        assert process.poll() is None, "somebody killed it"
    finally:
        process.kill()
        process.wait()


async def perl(container: dagger.Container, script: str, *, insecure: bool = False) -> str:
    """Return what a perl script prints."""
    done = container.with_exec(["perl", "-e", script], insecure_root_capabilities=insecure)
    return await done.stdout()


def calling(name: str, *arguments: str) -> str:
    """Return a script that makes a system call and prints its error's number, 0 for none."""
    machines = ("x86_64", "aarch64")
    if platform.machine() not in machines:
        missing(f"numbers of the system calls of {platform.machine()}")
    number = NUMBERS[name][machines.index(platform.machine())]
    # Perl takes no constants where the call could write.
    return f"@a = ({', '.join(arguments)}); print((syscall({number}, @a) == -1) ? $!+0 : 0);"


def mounts_of_the_host() -> list[str]:
    """Return the mount points that somebody made at `/tmp` or below `/dev`."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.split()[1].startswith(("/tmp", "/dev"))]


def mounting() -> str:
    """Return a script that mounts a tmpfs."""
    return calling("mount", '"n"', '"/tmp"', '"tmpfs"', "0", "0")


# --- the kernel's settings: /proc/sys, /proc/sysrq-trigger and /sys are read-only ----------------


async def test_settings_of_the_kernel_cannot_be_written(base: dagger.Container) -> None:
    files = (
        "/proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe "
        "/proc/sys/vm/drop_caches /proc/sys/fs/binfmt_misc/register /proc/sys/kernel/hostname "
        "/sys/kernel/uevent_helper /sys/power/state /sys/kernel/mm/ksm/run /proc/irq/0/smp_affinity"
    )
    script = (
        f"for f in {files}; do test -e $f && (echo x >$f) 2>/dev/null && echo wrote $f; done;"
        "find /sys -maxdepth 4 -type f -perm -200 2>/dev/null | head -200 | "
        "while read f; do (: >>$f) 2>/dev/null && echo opened $f; done; echo tried"
    )
    assert await output(base, script) == "tried\n"


async def test_settings_of_the_kernel_cannot_be_remounted(inside: dagger.Container) -> None:
    remount = calling("mount", '"none"', '"/proc/sys"', "0", "32 | 4096", "0")
    assert int(await perl(inside, remount)) in REFUSED


# --- mounts, namespaces, modules, keys, clocks: the filter, and capabilities that are not there --


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("mount", ('"cgroup"', '"/tmp"', '"cgroup"', "0", '"memory"')),  # for its release_agent
        ("mount", ('"proc"', '"/tmp"', '"proc"', "0", "0")),
        ("mount", ('"/dev/vda"', '"/tmp"', '"ext4"', "0", "0")),
        ("fsopen", ('"tmpfs"', "0")),
        ("open_tree", ("-100", '"/"', "1")),
        ("unshare", ("0x10000000",)),  # a user namespace, in which one would be root
        ("unshare", ("0x00020000",)),
        ("setns", ("0", "0")),
        ("open_by_handle_at", ("3", '"x" x 64', "0")),  # shocker
        ("bpf", ("0", '"x" x 64', "64")),
        ("perf_event_open", ('"\\0" x 128', "0", "-1", "-1", "0")),
        ("init_module", ('"x"', "1", '""')),
        ("kexec_load", ("0", "0", "0", "0")),
        ("reboot", ("0xfee1dead", "672274793", "0x89abcdef", "0")),  # that only sets ctrl-alt-del
        ("settimeofday", ('pack("qq", time, 0)', "0")),
        ("add_key", ('"user"', '"k"', '"v"', "1", "-4")),
        ("keyctl", ("0", "-4", "0")),
        ("userfaultfd", ("0",)),
        ("io_uring_setup", ("1", '"\\0" x 128')),
        ("ptrace", ("16", "1", "0", "0")),  # to the init, which is the engine's
    ],
)
async def test_system_call_is_refused(
    inside: dagger.Container, call: str, arguments: tuple[str, ...]
) -> None:
    assert int(await perl(inside, calling(call, *arguments))) in REFUSED


async def test_sockets_to_the_hypervisor_are_refused(inside: dagger.Container) -> None:
    assert int(await perl(inside, "print(socket(S, 40, 1, 0) ? 0 : $!+0)")) in REFUSED


# --- processes: a namespace of their own, with an init that shows nothing ------------------------


async def test_processes_of_the_host_are_out_of_reach(
    base: dagger.Container, sentinel: int, nonce: str
) -> None:
    look = "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c ^sentinel-"
    script = f"({look}; kill -9 {sentinel}) 2>/dev/null; echo tried"
    said = await output(base.with_env_variable("N", nonce), script)
    assert said == "0\ntried\n"


async def test_killing_all_processes_kills_those_inside(
    inside: dagger.Container, sentinel: int, nonce: str
) -> None:
    assert sentinel
    killing = f"kill(9, -1); print 'alone'; # {nonce}"
    assert await perl(inside, killing) == "alone"


async def test_init_and_runtime_lead_nowhere(base: dagger.Container, outside: Path) -> None:
    script = (
        f"for p in /proc/[0-9]*; do for d in root cwd; do cat $p/$d{outside}/secret; done; "
        f"for f in $p/fd/*; do cat $f{outside}/secret $f/..{outside}/secret; done; done"
        " 2>/dev/null;"
        "ls /proc/self/fd | tr '\\n' ' '"
    )
    assert await output(base, script) in {"0 1 2 3 ", "0 1 2 "}


# --- descriptors of the runtime (CVE-2024-21626): none is open when the command starts -----------


async def test_working_directory_is_no_descriptor_of_the_runtime(
    base: dagger.Container, outside: Path, nonce: str
) -> None:
    async def attempt(number: int) -> str:
        ready = base.with_env_variable("N", nonce).with_workdir(f"/proc/self/fd/{number}")
        up = "../" * 12
        try:
            return await output(ready, f"cat {up}{str(outside).lstrip('/')}/secret; true")
        except dagger.QueryError:
            return ""

    assert await asyncio.gather(*(attempt(number) for number in range(3, 16))) == [""] * 13


# --- the runtime's program (CVE-2019-5736): it is run from a read-only mount ---------------------


def runtimes() -> list[bytes]:
    """Return the digests of the container runtimes that are installed."""
    programs = [Path(found) for name in ("crun", "runc") if (found := shutil.which(name))]
    return [hashlib.sha256(program.read_bytes()).digest() for program in programs]


async def test_runtime_cannot_be_overwritten(base: dagger.Container, nonce: str) -> None:
    before = runtimes()
    script = (
        "for i in $(seq 20); do for p in /proc/[0-9]*; do "
        "(echo evil >>$p/exe) 2>/dev/null && echo wrote $p; done; done; exec httpd -f -p 80"
    )
    # The check comes in by the runtime, while the service tries to write to whatever there is.
    made = base.with_env_variable("N", nonce)
    made = made.with_docker_healthcheck(["/proc/self/exe", "--version"], interval="50ms", retries=9)
    with pytest.raises(dagger.QueryError):
        _ = await made.as_service(args=["sh", "-c", script]).start()
    with pytest.raises(dagger.QueryError):
        await settle(made.with_exec(["/proc/self/exe", "no-such-command"]))
    assert runtimes() == before


# --- chroot: there is no way above the root of the container -------------------------------------


async def test_chroot_leads_back_to_the_containers_root(
    inside: dagger.Container, outside: Path
) -> None:
    script = (
        "mkdir '/x'; opendir(D, '/'); chroot('/x') or die; chdir('..') for 1..64; chroot('.');"
        "print((-e '/bin/busybox' ? 'inside ' : 'lost '), "
        f"(-e '{outside}/secret' ? 'out' : 'held'))"
    )
    assert await perl(inside, script) == "inside held"


# --- links that point at the host: every path is resolved below the container's root -------------


async def test_mounts_through_links_stay_inside(
    base: dagger.Container, dag: dagger.Client, outside: Path, nonce: str
) -> None:
    ready = base.with_symlink(str(outside), "/door").with_symlink(
        "../../../.." + str(outside), "/d"
    )
    evil = dag.directory().with_new_file("evil", "evil")
    secret = dag.set_secret(f"s{nonce}", "evil")
    for target in ("/door", "/door/in", "/d/in"):
        for step in (
            ready.with_mounted_directory(target, evil),
            ready.with_mounted_file(f"{target}/secret", evil.file("evil")),
            ready.with_mounted_cache(target, dag.cache_volume(nonce)),
            ready.with_mounted_temp(target),
            ready.with_mounted_secret(f"{target}/secret", secret),
        ):
            try:
                await settle(step.with_exec(["sh", "-c", f"echo evil >{target}/secret; true"]))
            except dagger.QueryError:
                continue
    assert listing(outside) == ["secret"]
    assert (outside / "secret").read_text() == "of the host"


async def test_links_in_a_cache_volume_stay_inside(
    base: dagger.Container, dag: dagger.Client, outside: Path, nonce: str
) -> None:
    ready = base.with_mounted_cache("/cache", dag.cache_volume(nonce))
    await settle(ready.with_exec(["ln", "-s", str(outside), "/cache/door"]))
    evil = dag.directory().with_new_file("evil", "evil")
    script = ["sh", "-c", "echo evil >/cache/door/evil; true"]
    for step in (
        ready.with_mounted_directory("/cache/door", evil).with_exec(script),
        ready.with_mounted_directory("/cache/door/new", evil).with_exec(script),
        ready.with_workdir("/cache/door/made").with_exec(script),
        ready.with_exec(["echo", "evil"], redirect_stdout="/cache/door/evil"),
    ):
        try:
            await settle(step)
        except dagger.QueryError:
            continue
    assert listing(outside) == ["secret"]


# --- other users and other commands --------------------------------------------------------------


async def test_root_by_a_setuid_program_is_no_more_than_root(inside: dagger.Container) -> None:
    made = inside.with_exec(["sh", "-c", "cp /usr/bin/perl /suid && chmod 4755 /suid"])
    attempt = f"$< = $> = 0; {mounting()}"
    tried = made.with_user("app").with_exec(["/suid", "-e", attempt])
    try:
        assert int(await tried.stdout()) in REFUSED
    except dagger.ExecError as error:
        assert "setuid" in error.stderr.lower()  # noqa: PT017 - this perl refuses to run so


async def test_secrets_of_other_commands_are_not_seen(
    base: dagger.Container, dag: dagger.Client, nonce: str
) -> None:
    secret = dag.set_secret(f"s{nonce}", f"value-{nonce}")
    holder = base.with_secret_variable("S", secret).with_mounted_secret("/run/s", secret)
    holding = asyncio.create_task(output(holder, f"sleep 3 # {nonce}"))
    await asyncio.sleep(1)
    script = (
        "cat /proc/[0-9]*/environ /run/s /run/secrets/* /dev/shm/* /proc/*/root/run/s 2>/dev/null"
        f" | grep -c value-{nonce[:6]}; test -d /dev/shm/keelway && echo state; true"
    )
    assert await output(base, script) == "0\n"
    _ = await holding


# --- more capabilities: the sandbox that the engine itself is in still holds ---------------------


async def test_insecure_root_capabilities_do_not_leave_the_sandbox(
    inside: dagger.Container, sentinel: int, outside: Path, nonce: str
) -> None:
    mounts = mounts_of_the_host()
    script = (
        f"{mounting()}"
        f"print(' ', kill(0, {sentinel}) ? 'seen' : 'unseen');"
        "opendir(D, '/proc'); @p = readdir(D);"
        "@found = grep { open(F, qq(/proc/$_/cmdline)) && <F> =~ /s[e]ntinel-/ } @p;"
        f"print(' ', scalar(@found), -e '{outside}/secret' ? ' out' : ' held'); # {nonce}"
    )
    said = await perl(inside, script, insecure=True)
    assert said == "0 unseen 0 held"
    assert mounts_of_the_host() == mounts

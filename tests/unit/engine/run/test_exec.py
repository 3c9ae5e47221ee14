"""Commands in containers: exit codes, streams, identity, mounts, and what is left of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run.inroot import Root
from keelway.engine.run.spec import Bind, ExecSpec, SecretFile, Tmpfs
from keelway.engine.run.users import lookup
from tests.support.missing import need
from tests.unit.engine.run.sandboxed import PATH, Box, in_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelway.engine.run.enter import Sandbox


def only(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave one runtime on the PATH."""
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / name).symlink_to(need(name, package=name))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))


@pytest.fixture(params=["crun", "runc"], autouse=True)
def runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Run the test with each runtime in turn."""
    name = str(request.param)
    only(name, monkeypatch, tmp_path)
    return name


def test_streams_and_exit_code(runtime: str, rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        assert box.runtime.name == runtime
        ran = box.sh("echo out; echo err >&2; exit 7", code=7)
        assert (ran.stdout, ran.stderr) == (b"out\n", b"err\n")

    in_sandbox(work)


@pytest.mark.parametrize("init", [True, False])
def test_stdin_as_bytes_and_as_descriptor(rootfs: Path, tmp_path: Path, *, init: bool) -> None:
    data = os.urandom(300_000)
    (tmp_path / "input").write_bytes(data)

    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        assert box.run("cat", stdin=data, init=init).stdout == data
        with (tmp_path / "input").open("rb") as file:
            assert box.run("cat", stdin=file.fileno(), init=init).stdout == data
        assert box.run("cat", init=init).stdout == b""
        # A command that does not read what it is given ends all the same.
        box.run("true", stdin=data, init=init)

    in_sandbox(work)


def test_signals_give_128_and_the_number(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
            box.sh(f"kill -{int(number)} $$; sleep 5", code=128 + number)

    in_sandbox(work)


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("nope", 127, "no such executable"),
        ("/no/such", 127, "no such executable"),
        ("/etc/passwd", 126, ""),
        ("/etc", 126, ""),
        ("/opt/garbage", 126, "no program that this machine can run"),
        ("/opt/orphan", 127, "cannot run"),
    ],
)
def test_what_cannot_be_executed(
    rootfs: Path, tmp_path: Path, command: str, code: int, words: str
) -> None:
    layer = tmp_path / "layer"
    (layer / "opt").mkdir(parents=True)
    for name, text in (("garbage", "no program"), ("orphan", "#!/no/such/shell\n")):
        (layer / "opt" / name).write_text(text)
        (layer / "opt" / name).chmod(0o755)

    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs, layer)
        for init in (True, False):
            ran = box.run(command, code=code, init=init)
            assert ran.stdout == b""
            said = ran.stderr.decode()
            assert said.startswith(f"cannot run {command!r}: ")
            assert words in said
            assert said.count("\n") == 1

    in_sandbox(work)


def test_a_failure_of_the_runtime_is_no_exit_code(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        bad = Bind(source=Path("/no/such/source"), target="/mnt")
        with pytest.raises(EngineError, match="no/such/source"):
            box.run("true", binds=[bad])
        # The next one is not harmed.
        assert box.sh("echo well").text == "well\n"

    in_sandbox(work)


def test_too_long_a_command_is_told(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        ran = box.run("echo", "x" * 200_000, code=126)
        assert ran.stderr.decode() == "cannot run 'echo': argument list too long\n"

    in_sandbox(work)


def test_output_like_a_runtimes_is_the_commands_own(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        for said in ("ls: /x: No such file or directory\n", "runc run failed: no\n"):
            ran = box.sh(f"printf '{said}' >&2; exit 1", code=1)
            assert ran.stderr.decode() == said

    in_sandbox(work)


def test_identity_and_groups(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        with Root(rootfs) as root:
            app, nobody = lookup(root, "app"), lookup(root, "1234:77")
        assert box.sh("id -u; id -G; echo $HOME", user=app).text == "1000\n1000 29 50\n/home/app\n"
        assert box.sh("id -u; id -G", user=nobody).text == "1234\n77\n"

    in_sandbox(work)


def test_the_working_directory_is_made_for_the_user(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        with Root(rootfs) as root:
            app = lookup(root, "app")
        ran = box.sh("pwd; touch here; stat -c %u:%g:%a /srv/a", cwd="/srv/a/b", user=app)
        assert ran.text == "/srv/a/b\n1000:1000:755\n"
        assert (ran.upper / "srv/a/b/here").exists()

    in_sandbox(work)


def test_an_exec_of_true_leaves_an_empty_layer(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        secret = SecretFile(target="/run/secrets/deep/token", data=b"x")
        binds = [Bind(source=rootfs, target="/opt/data/tree", readonly=True)]
        ran = box.run("true", secrets=[secret], binds=binds, tmpfs=[Tmpfs(target="/scratch/a")])
        assert list(ran.upper.iterdir()) == []
        # What the command itself makes beside the stubs stays.
        ran = box.sh("echo 1 >/etc/mine; mkdir -m 700 /run/own", secrets=[secret])
        found = sorted(str(path.relative_to(ran.upper)) for path in ran.upper.rglob("*"))
        assert found == ["etc", "etc/mine", "run", "run/own"]

    in_sandbox(work)


def test_mounts_and_secrets(rootfs: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()

    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        secret = SecretFile(target="/run/token", data=b"s3cret", uid=1000, gid=1000, mode=0o440)
        binds = [
            Bind(source=shared, target="/shared"),
            Bind(source=shared, target="/fixed", readonly=True),
        ]
        script = """
        cat /run/token; stat -c ' %u:%g:%a' /run/token
        (echo x >/run/token) 2>/dev/null && echo wrote the secret
        echo kept >/shared/file; cat /fixed/file
        (echo x >/fixed/file) 2>/dev/null && echo wrote the read-only bind
        df -k /tiny | tail -1 | awk '{print $2}'
        """
        tiny = Tmpfs(target="/tiny", size_bytes=1 << 20)
        ran = box.sh(script, secrets=[secret], binds=binds, tmpfs=[tiny])
        assert ran.text == "s3cret 1000:1000:440\nkept\n1024\n"
        assert not list(sandbox.state_dir.rglob("secret*")), "a secret outlived its exec"

    in_sandbox(work)
    assert (shared / "file").read_text() == "kept\n"


def test_confinement(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        status = box.sh("cat /proc/self/status").text
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["CapEff"] == fields["CapBnd"] == "00000000a80425fb", "Docker's fourteen"
        assert fields["Seccomp"] == "2"
        assert fields["NoNewPrivs"] == "0", "sudo and su need set-uid programs"
        script = """
        mount -t tmpfs none /tmp 2>/dev/null && echo mounted
        (echo 1 >/proc/sys/kernel/sysrq) 2>/dev/null && echo wrote a setting
        (cat /proc/kcore | head -c 1) 2>/dev/null | wc -c
        hostname
        """
        assert box.sh(script, hostname="box").text == "0\nbox\n"
        for kind in ("mnt", "pid", "ipc", "uts", "net"):
            inside = box.sh(f"readlink /proc/self/ns/{kind}").text.strip()
            assert inside != str(Path(f"/proc/self/ns/{kind}").readlink())

    in_sandbox(work)


def test_privileged_has_what_the_engine_has(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> None:
        box = Box.make(sandbox, rootfs)
        script = "mount -t tmpfs none /tmp && grep -E 'CapEff|Seccomp:' /proc/self/status"
        text = box.sh(script, privileged=True).text
        own = next(
            line for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line
        )
        assert text.splitlines() == [own, "Seccomp:\t0"]

    in_sandbox(work)


def test_many_at_once(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> list[str]:
        box = Box.make(sandbox, rootfs)
        results: list[str] = [""] * 12

        def one(number: int) -> None:
            out: list[bytes] = []
            spec = ExecSpec(root=rootfs, argv=["echo", str(number)], env=[PATH])
            box.runtime.run(spec, on_stdout=out.append)
            results[number] = b"".join(out).decode()

        threads = [threading.Thread(target=one, args=[number]) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    assert in_sandbox(work) == [f"{number}\n" for number in range(12)]


def test_no_runtime_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rootfs: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    (tmp_path / "none").mkdir()
    broken = tmp_path / "none" / "crun"
    broken.write_text("#!/bin/sh\necho no luck >&2\nexit 1\n")
    broken.chmod(0o755)

    def work(sandbox: Sandbox) -> None:
        with pytest.raises(EngineError, match=r"crun: .*no luck.*runc: not installed.*Install"):
            Box.make(sandbox, rootfs)

    in_sandbox(work)


def test_ordinary_output_is_not_held_back(rootfs: Path) -> None:
    def work(sandbox: Sandbox) -> float:
        box = Box.make(sandbox, rootfs)
        times: list[float] = []
        spec = ExecSpec(root=rootfs, argv=["/bin/sh", "-c", "echo now >&2; sleep 1"], env=[PATH])
        sink: Callable[[bytes], None] = lambda _: times.append(time.monotonic())  # noqa: E731 - typed, and one line
        box.runtime.run(spec, on_stderr=sink)
        return time.monotonic() - times[0]

    assert in_sandbox(work) > 0.8

"""examples/immutable-service: all that the document about immutable containers demands."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.examples.immutable_service import (
    edge,
    health,
    listener,
    release,
    requests,
    until,
    work_folder,
)
from tests.support.flows import test_the_whole_flow_keeps_its_budget
from tests.support.missing import need

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.examples import Example, Flow
    from tests.support.runtimes import RunningRuntime

__all__ = ["test_the_whole_flow_keeps_its_budget"]

EXAMPLE = "immutable-service"
MB = 1024 * 1024


@pytest.fixture(scope="module")
def cold(example: Example, docker: RunningRuntime) -> Iterator[Flow]:
    """The whole flow, which deploys to a Docker behind an NGINX."""
    assert docker.engine == "docker"
    need("docker-compose", package="docker-compose")
    with edge(example):
        yield example.run_flow()


@pytest.fixture(scope="module")
def image(cold: Flow) -> str:
    """The image that was released, by digest."""
    reference: str = cold.report["published"][0]["references"][0]
    name, _, digest = reference.partition("@")
    return f"{name.rpartition(':')[0]}@{digest}"


@pytest.fixture
def running(example: Example, docker: RunningRuntime, cold: Flow) -> dict[str, dict[str, Any]]:
    """What Docker says of the containers that run, by service."""
    assert cold.seconds
    ids = docker.command("ps", "--quiet", "--filter", "label=com.docker.compose.project").split()
    found = json.loads(docker.command("inspect", *ids))
    return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}


def history(example: Example) -> list[dict[str, Any]]:
    """Return the lines of deployment_history.log, each read as JSON."""
    file = work_folder(example) / "quotes/deployment_history.log"
    return [json.loads(line) for line in file.read_text().splitlines()]


def outcomes(example: Example) -> list[tuple[str, str, str]]:
    """Return what was done, to which version, and how it ended."""
    return [(one["event"], one["version"], one["outcome"]) for one in history(example)]


def current(example: Example) -> Path:
    """Return the folder of the release that runs."""
    return (work_folder(example) / "quotes/current").resolve()


def files_of(docker: RunningRuntime, image: str) -> list[str]:
    """Return the paths of all files of an image."""
    container = docker.command("create", image)
    try:
        exported = subprocess.run(
            ["docker", "export", container],
            env={**os.environ, **docker.environment},
            capture_output=True,
            check=True,
        )
    finally:
        docker.command("rm", container)
    with tarfile.open(fileobj=io.BytesIO(exported.stdout)) as archive:
        return archive.getnames()


# --- the image ------------------------------------------------------------------------------------


def test_the_image_is_minimal_and_has_no_shell_and_no_package_manager(
    docker: RunningRuntime, cold: Flow, image: str
) -> None:
    passed = {one["rule"] for one in cold.report["policy"]["results"] if one["outcome"] == "passed"}
    assert "budget" in passed, "[policy.images.quotes.budget] says how large it may be"
    files = files_of(docker, image)
    programs = {path.rpartition("/")[2] for path in files if re.match(r"(usr/)?(local/)?s?bin/", path)}
    assert "python3.11" in programs
    assert not programs & {"sh", "dash", "bash", "busybox", "apt", "apt-get", "dpkg", "pip", "pip3"}
    assert not any("/pip/" in path for path in files)


def test_every_version_is_pinned_and_nothing_is_called_latest(
    example: Example, cold: Flow, running: dict[str, dict[str, Any]]
) -> None:
    for name in ("requirements.txt", "requirements-test.txt", "prices/requirements.txt"):
        text = (example.folder / name).read_text()
        pinned = re.findall(r"^[a-z0-9-]+==\S+ \\\n +--hash=sha256:", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
    for line in (example.folder / "Dockerfile").read_text().splitlines():
        if line.startswith("FROM"):
            assert re.match(r"FROM (\$\{PYTHON(_BUILD)?_BASE\}|builder|test-tools)( AS \S+)?$", line)
    lock = (example.folder / "keelway.lock").read_text()
    assert re.search(r"base-python@sha256:[0-9a-f]{64}", lock)
    assert "latest" not in str(cold.report["published"])
    written = "".join(one.read_text() for one in current(example).glob("*/compose.yaml"))
    assert re.findall(r"image: (\S+)", written)
    assert all("@sha256:" in one for one in re.findall(r"image: (\S+)", written))
    assert set(running) == {"quotes", "prices"}


def test_it_runs_as_nobody_special_and_has_no_secret(
    docker: RunningRuntime, cold: Flow, image: str
) -> None:
    (inspected,) = json.loads(docker.command("image", "inspect", image))
    assert inspected["Config"]["User"] == "65532:65532"
    assert not [one for one in inspected["Config"]["Env"] if re.search("KEY|TOKEN|PASSWORD", one)]
    assert "secret" in cold.report["scan"]["scanners"]
    (target,) = cold.report["scan"]["targets"]
    assert not [one for one in target["findings"] if one["kind"] == "secret"]


# --- the runtime contract -------------------------------------------------------------------------


def test_the_runtime_contract_is_what_docker_enforces(running: dict[str, dict[str, Any]]) -> None:
    limits = {"quotes": (0.5, 128, 64), "prices": (0.25, 64, 32)}
    for name, container in running.items():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert not host["Privileged"]
        assert list(host["Tmpfs"]) == ["/tmp"]
        cpus, memory, pids = limits[name]
        assert (host["NanoCpus"], host["Memory"], host["PidsLimit"]) == (
            cpus * 10**9, memory * MB, pids,
        )  # fmt: skip
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
    volumes = [(one["Type"], one["Destination"]) for one in running["quotes"]["Mounts"]]
    assert volumes == [("volume", "/data")]
    assert running["quotes"]["Mounts"][0]["Name"] == "quotes_journal"
    assert running["prices"]["Mounts"] == []


TRY = """
import json, pathlib, sys
told = {}
for path in ("/opt/app/x", "/usr/bin/x", "/etc/passwd", "/tmp/x", "/data/x"):
    try:
        with open(path, "a") as file:
            file.write("")
        told[path] = "written"
    except OSError as error:
        told[path] = error.strerror
for path in ("/tmp/x", "/data/x"):
    pathlib.Path(path).unlink(missing_ok=True)
status = dict(
    line.split(":\\t") for line in pathlib.Path("/proc/self/status").read_text().splitlines()
    if line.startswith(("CapEff", "CapBnd", "NoNewPrivs", "Uid"))
)
print(json.dumps([told, status]))
"""


def test_writing_anywhere_else_fails(
    docker: RunningRuntime, running: dict[str, dict[str, Any]]
) -> None:
    said = docker.command("exec", running["quotes"]["Id"], "python", "-c", TRY)
    told, status = json.loads(said)
    refused = "Read-only file system"
    assert told == {
        "/opt/app/x": refused, "/usr/bin/x": refused, "/etc/passwd": "Permission denied",
        "/tmp/x": "written", "/data/x": "written",
    }  # fmt: skip
    assert status["CapEff"] == status["CapBnd"] == "0" * 16
    assert status["NoNewPrivs"] == "1"
    assert status["Uid"].split() == ["65532"] * 4


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("privileged: true", "privileged"),
        ('volumes: ["/etc:/data"]', "volumes"),
        ("cap_add: [SYS_ADMIN]", "cap_add"),
        ('user: "0"', "user"),
        ("environment: { API_TOKEN: abcdefgh }", "API_TOKEN"),
    ],
)
def test_a_service_that_wants_more_is_refused_before_a_host_is_touched(
    example: Example, cold: Flow, written: str, key: str
) -> None:
    file = example.folder / "compose.prod.yaml"
    before = file.read_text()
    what = written.partition(":")[0]
    lines = [line for line in before.splitlines() if not line.startswith(f"    {what}: ")]
    at = lines.index("    image: quotes")
    file.write_text("\n".join([*lines[: at + 1], f"    {written}", *lines[at + 1 :]]) + "\n")
    told = len(history(example))
    try:
        refused = example.keelway("deploy", version(cold), "--to", "here")
    finally:
        file.write_text(before)
    assert refused.code != 0
    assert "compose.prod.yaml:" in refused.err
    assert key in refused.err
    assert ("deploy", version(cold), "succeeded") not in outcomes(example)[told:]
    assert health(example)[0] == 200


# --- versions and signatures ----------------------------------------------------------------------


def version(flow: Flow) -> str:
    """Return the version that was released: its timestamp."""
    references = flow.report["published"][0]["references"]
    tags: list[str] = [one.partition("@")[0].rpartition(":")[2] for one in references]
    return next(tag for tag in tags if re.fullmatch(r"\d{8}-\d{4}", tag))


def test_versions_are_the_time_of_the_commit_or_come_from_git(example: Example, cold: Flow) -> None:
    told = example.shell("git log -1 --format=%ct")
    at = datetime.fromtimestamp(int(told.out), UTC)
    assert version(cold) == f"{at:%Y%m%d-%H%M}"
    tagged = example.shell("git tag v1.4.0 && keelway tags --json; git tag -d v1.4.0")
    assert '"1.4.0"' in tagged.out
    assert version(cold) in tagged.out
    assert "latest" not in tagged.out


def test_every_image_is_signed(example: Example, cold: Flow, image: str) -> None:
    verified = example.keelway("verify", image)
    assert verified.code == 0, verified.text()
    prices = example.reference("prices", "1")
    for reference in (image, prices):
        by_cosign = example.shell(
            "cosign verify --key .keelway/demo.pub --allow-http-registry "
            f"--insecure-ignore-tlog=true {reference}"
        )
        assert by_cosign.code == 0, by_cosign.text()


def test_what_does_not_verify_is_not_deployed(example: Example, cold: Flow, image: str) -> None:
    need("skopeo", package="skopeo")
    base = re.search(r'"(\S+/base-python@sha256:\S+)"', (example.folder / "keelway.lock").read_text())
    assert base is not None
    strange = example.reference("quotes", "20990101-0000")
    copied = example.shell(
        "skopeo copy --quiet --all --src-tls-verify=false --dest-tls-verify=false "
        f"docker://{base[1]} docker://{strange}"
    )
    assert copied.code == 0, copied.text()
    refused = example.keelway("deploy", "20990101-0000", "--to", "here")
    assert refused.code == 6, refused.text()
    assert "does not verify" in refused.err
    assert history(example)[-1]["outcome"] == "failed"
    assert "refused: " in history(example)[-1]["reason"]
    status, told = health(example)
    assert (status, told["version"]) == (200, version(cold))
    assert image


# --- building and deploying -----------------------------------------------------------------------


def test_one_command_builds_scans_signs_and_publishes(cold: Flow) -> None:
    stages = {one["name"]: one["status"] for one in cold.report["stages"]}
    assert {name: stages[name] for name in ("build", "scan", "publish", "sign", "attest")} == dict.fromkeys(
        ("build", "scan", "publish", "sign", "attest"), "ok"
    )
    feed, faults = cold.report["tests"]["suites"]
    assert {one["status"] for one in (*feed["cases"], *faults["cases"])} == {"passed"}


def test_one_command_verifies_writes_the_configuration_starts_and_watches(
    example: Example, cold: Flow
) -> None:
    folder = current(example)
    assert (folder / "blue/compose.yaml").read_text().startswith("# Written by keelway")
    record = json.loads((folder / "release.json").read_text())
    assert record["version"] == version(cold)
    assert any("signature" in line for line in record["evidence"])
    status, told = health(example)
    assert (status, told["version"], told["status"]) == (200, version(cold), "ok")
    assert outcomes(example)[:2] == [
        ("deploy", version(cold), "started"), ("deploy", version(cold), "succeeded"),
    ]  # fmt: skip


def test_what_runs_already_is_verified_and_left_alone(
    cold: Flow, again: Flow, running: dict[str, dict[str, Any]]
) -> None:
    assert "runs already, unchanged and well: nothing to do" in again.outcomes[-1].err
    assert again.report["published"] == cold.report["published"]
    assert all(one["RestartCount"] == 0 for one in running.values())


def test_a_new_version_leaves_no_gap_and_listeners_miss_nothing(
    example: Example, docker: RunningRuntime, cold: Flow, again: Flow, image: str
) -> None:
    assert again.seconds
    new = release(example, "2030-01-01", "The same, later")
    with requests(example) as asked, listener(example, docker, image) as listening:
        deployed = example.keelway("deploy", new, "--to", "here")
        assert deployed.code == 0, deployed.text()
        last = health(example)[1]["last"]
        assert isinstance(last, int)
        until(lambda: listening.heard()[-1] > last, "the listener did not come again")
        heard = listening.heard()
    assert asked.failed == []
    assert asked.good > 50
    assert asked.versions == [version(cold), new]
    assert heard == sorted(set(heard))
    missed = journal(docker, heard[0], heard[-1]) - set(heard)
    assert not missed, f"{len(missed)} of {len(heard)}"


READ = """
import sqlite3, sys
rows = sqlite3.connect("/data/quotes.db").execute(
    "SELECT number FROM quotes WHERE number BETWEEN ? AND ?", (int(sys.argv[1]), int(sys.argv[2]))
)
print(*(row[0] for row in rows))
"""


def journal(docker: RunningRuntime, first: int, last: int) -> set[int]:
    """Return the numbers that the journal has, of both colours, on the volume that both share."""
    named = ("--filter", "label=com.docker.compose.service=quotes")
    container = docker.command("ps", "--quiet", *named).split()[0]
    said = docker.command("exec", container, "python", "-c", READ, str(first), str(last))
    return set(map(int, said.split()))


def test_a_bad_version_goes_back_by_itself_and_nobody_notices(example: Example, cold: Flow) -> None:
    good = health(example)[1]["version"]
    file = example.folder / "quotes/service.py"
    sources = file.read_text()
    wanted = "return last is not None and self._now() - last < self._settings.stale_after_s"
    assert wanted in sources
    file.write_text(sources.replace(wanted, "return last is not None and last < 0"))
    limit = example.folder / "keelway.toml"
    limit.write_text(limit.read_text().replace("health_timeout_s = 60", "health_timeout_s = 6"))
    try:
        bad = release(example, "2030-01-02", "Prices are never fresh")
        with requests(example) as asked:
            failed = example.keelway("deploy", bad, "--to", "here")
    finally:
        file.write_text(sources)
        limit.write_text(limit.read_text().replace("health_timeout_s = 6", "health_timeout_s = 60"))
    assert failed.code == 7, failed.text()
    assert f"{bad} failed; {good} serves again" in failed.err
    assert asked.failed == []
    assert asked.versions == [good]
    assert outcomes(example)[-1] == ("deploy", bad, "rolled-back")
    assert cold.seconds


def test_it_goes_back_to_a_version_by_name(example: Example, cold: Flow) -> None:
    before = str(health(example)[1]["version"])
    kept = {
        json.loads(one.read_text())["version"]
        for one in current(example).parent.glob("*/release.json")
    }
    assert {version(cold), before} <= kept, "what ran before was saved"
    with requests(example) as asked:
        back = example.keelway(
            "rollback", "here", "--to", version(cold), "--reason", "customers complain"
        )
    assert back.code == 0, back.text()
    assert asked.failed == []
    assert health(example)[1]["version"] == version(cold)
    assert outcomes(example)[-1] == ("rollback", version(cold), "succeeded")


def test_the_history_is_one_line_an_event_and_json(example: Example, cold: Flow) -> None:
    lines = history(example)
    assert all({"at", "event", "outcome", "version", "actor", "images"} <= set(one) for one in lines)
    told = example.keelway("history", "here")
    assert told.code == 0, told.text()
    assert len([line for line in told.out.splitlines() if line[:4].isdigit()]) == len(lines)
    as_json = example.keelway("history", "here", "--json")
    assert version(cold) in str(json.loads(as_json.out))


# --- wanted next ----------------------------------------------------------------------------------


def test_what_is_deployed_bears_being_killed_restarted_and_cut_off(
    example: Example, cold: Flow
) -> None:
    done = example.keelway("faults", "here", "--json")
    assert done.code == 0, done.text()
    found = {one["name"]: one for one in json.loads(done.out)["faults"]}
    assert all(one["passed"] for one in found.values())
    assert set(found) == {"service-killed", "service-restarted", "prices-unreachable"}
    assert set(found["prices-unreachable"]["answers"]) == {"200", "503"}
    assert all(one["recovered_s"] is not None for one in found.values())
    assert health(example)[0] == 200
    assert cold.seconds


def test_gitops_gets_the_same_digest_as_a_commit(example: Example, cold: Flow, image: str) -> None:
    repository = work_folder(example) / "gitops.git"
    made = example.shell(
        f"git init -q --bare -b main {repository} && mkdir ../seed && cp -r gitops/. ../seed "
        "&& cd ../seed && git init -q -b main && git add -A && git commit -q -m first "
        f"&& git push -q {repository} main"
    )
    assert made.code == 0, made.text()
    deployed = example.keelway("deploy", version(cold), "--to", "cluster")
    assert deployed.code == 0, deployed.text()
    shown = example.shell(f"git -C {repository} show main:production/kustomization.yaml")
    assert f"digest: {image.partition('@')[2]}" in shown.out
    again = example.keelway("deploy", version(cold), "--to", "cluster")
    assert again.code == 0, again.text()
    commits = example.shell(f"git -C {repository} rev-list --count main")
    assert commits.out.strip() == "2"


def test_the_pipelines_are_what_the_configuration_gives_today(example: Example) -> None:
    for name in ("github", "gitlab", "jenkins"):
        checked = example.keelway("init", "ci", "--check", name)
        assert checked.code == 0, checked.text()

"""`examples/science-app`: a scientific application in production, with all that is around it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.examples.science_app import (
    PODMAN,
    Host,
    as_ordinary,
    containing,
    eventually,
    files,
    variants,
)
from tests.support.advisories import build_database
from tests.support.examples import Flow
from tests.support.flows import test_the_whole_flow_keeps_its_budget
from tests.support.missing import need
from tests.support.nginx import nginx_by
from tests.support.secret_stores import secret_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.examples import Example
    from tests.support.runtimes import RunningRuntime

EXAMPLE = "science-app"
__all__ = ["test_the_whole_flow_keeps_its_budget"]
PLATFORMS = {"amd64": "x86_64", "arm64": "aarch64"}
MARK = "marks-what-must-not-get-into-a-build"


@pytest.fixture(scope="module", autouse=True)
def host(
    example: Example, docker: RunningRuntime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    """A host: Docker, NGINX and secrets; its supporting services are released already."""
    one = Host(
        example=example,
        docker=docker,
        api_key=secrets.token_hex(20),
        store_key=secrets.token_hex(20),
    )
    example.variables.update(SCIENCE_API_KEY=one.api_key, SCIENCE_STORE_KEY=one.store_key)
    made = example.shell("./make-secrets")
    assert made.code == 0, made.text()
    shutil.copy(example.folder / "keelway.lock", example.folder / "supporting/keelway.lock")
    # Of another store: the flow is to begin with an empty one.
    store = tmp_path_factory.mktemp("supporting-store")
    done = example.shell("cd supporting && keelway release", KEELWAY_STORE=str(store))
    assert done.code == 0, done.text()
    shutil.rmtree(store, ignore_errors=True)
    folder = example.host_folder / "science-app/nginx"
    (folder / "conf.d").mkdir(parents=True)
    shutil.copy(example.folder / "edge/nginx.conf", folder)
    with nginx_by(("-p", str(folder), "-c", "nginx.conf", "-e", "error.log"), folder / "nginx.pid"):
        yield one


# --- the image ------------------------------------------------------------------------------------


def test_the_image_is_hardened(example: Example, cold: Flow) -> None:
    """No root, no shell, no package manager; and it says how it is by `/health`."""
    assert cold.report["outcome"] == "ok"
    for manifest in variants(example, "2.1.0").values():
        repository = f"{example.repositories}/science-app"
        config = example.registry.config(repository, manifest)["config"]
        assert config["User"] == "10001:10001"
        assert config["Healthcheck"]["Test"] == ["CMD", "python3.11", "-m", "fits", "health"]
        assert config["Entrypoint"] == ["python3.11", "-m", "fits.entrypoint"]
        there = files(example, manifest)
        for program in ("sh", "bash", "dash", "apt", "pip", "pip3"):
            assert f"usr/bin/{program}" not in there
            assert f"bin/{program}" not in there


def test_both_platforms_have_wheels_of_their_own(example: Example, cold: Flow) -> None:
    """Numpy for arm64 was not built, nor installed by an emulated pip."""
    assert cold.report["outcome"] == "ok"
    found = variants(example, "2.1.0")
    assert found.keys() == PLATFORMS.keys()
    for architecture, machine in PLATFORMS.items():
        libraries = [
            name for name in files(example, found[architecture]) if "_multiarray_umath" in name
        ]
        assert any(machine in name for name in libraries), libraries


def test_the_application_and_the_secrets_are_closed_for_others(
    example: Example, cold: Flow
) -> None:
    """Nobody but appuser reads the application; nobody at all writes to it."""
    assert cold.report["outcome"] == "ok"
    there = files(example, variants(example, "2.1.0")["amd64"])
    own = {name: info for name, info in there.items() if name.startswith(("opt/app/", "opt/site/"))}
    assert len(own) > 500
    assert all(info.mode & 0o227 == 0 for info in own.values() if not info.isdir())
    assert {(info.uid, info.gid) for info in own.values()} == {(0, 10001)}
    secrets_folder, data = there["run/secrets"], there["data"]
    assert (secrets_folder.mode & 0o777, secrets_folder.uid) == (0o500, 10001)
    assert (data.mode & 0o777, data.uid) == (0o700, 10001)


def test_the_user_is_called_appuser(host: Host, cold: Flow) -> None:
    """And he may write nothing of the application."""
    assert cold.report["outcome"] == "ok"
    code = (
        "import json, os, pwd; print(json.dumps([pwd.getpwuid(os.getuid()).pw_name,"
        " os.access('/opt/app/fits/app.py', os.W_OK), os.access('/run/secrets', os.W_OK)]))"
    )
    assert host.python(code) == ["appuser", False, False]


def test_the_lock_is_what_the_environment_asks_for(example: Example) -> None:
    """environment.yml is the source; a lock that is older is told."""
    assert example.shell("python3 lock.py --check").code == 0
    wanted = (example.folder / "environment.yml").read_text().replace("numpy=2.2", "numpy=2.3")
    told = example.shell(
        "cp -r . ../older && cd ../older && cat > environment.yml <<'E'\n"
        f"{wanted}E\npython3 lock.py --check"
    )
    assert (told.code, "numpy is locked at 2.2.6" in told.out) == (1, True)


# --- compose --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        ("prod", {"science-app", "backup"}),
        ("dev", {"science-app", "workbench"}),
        ("staging", {"science-app", "simulator"}),
        ("monitoring", {"science-app", "logs", "metrics"}),
        ("backup", {"science-app", "backup"}),
    ],
)
def test_profiles_start_what_belongs_to_them(
    example: Example, profile: str, services: set[str]
) -> None:
    """Each environment has its own services beside the application."""
    shown = example.keelway("compose", "config", "--profile", profile, "--services")
    assert shown.code == 0, shown.text()
    assert set(shown.out.split()) == services


def test_services_were_tested_beside_each_other(cold: Flow) -> None:
    """The collector had the log lines, Prometheus the metrics, and there was a backup."""
    (suite,) = cold.report["tests"]["suites"]
    states = {service["name"]: service["state"] for service in suite["services"]}
    assert states["logs"] == states["metrics"] == states["backup"] == "healthy"
    names = {case["name"]: case["status"] for case in suite["cases"]}
    for name in (
        "test_the_collector_has_the_applications_log_lines",
        "test_prometheus_has_the_applications_metrics",
        "test_there_is_a_backup",
        "test_a_fit_is_kept_on_the_volume",
    ):
        assert names[name] == "passed"


def test_every_container_is_confined_and_limited(host: Host, cold: Flow) -> None:
    """Limits and reservations as written; nothing may be written but volumes and memory."""
    assert cold.report["outcome"] == "ok"
    found = {
        told["Config"]["Labels"]["com.docker.compose.service"]: told["HostConfig"]
        for name, told in host.containers().items()
        if "staging" not in name
    }
    assert found.keys() == {"science-app", "backup", "logs", "metrics"}
    for one in found.values():
        assert one["ReadonlyRootfs"]
        assert one["CapDrop"] == ["ALL"]
        assert any(option.startswith("no-new-privileges") for option in one["SecurityOpt"])
        assert one["PidsLimit"] > 0
        assert 0 < one["MemoryReservation"] < one["Memory"]
        assert one["NanoCpus"] > 0
    app = found["science-app"]
    assert (app["Memory"], app["MemoryReservation"]) == (512 * 2**20, 128 * 2**20)


def test_data_is_in_named_volumes(host: Host, cold: Flow) -> None:
    """What must outlive a container has a name."""
    assert cold.report["outcome"] == "ok"
    mounts = {
        mount["Destination"]: mount["Name"]
        for told in host.containers().values()
        for mount in told["Mounts"]
        if mount["Type"] == "volume"
    }
    assert {"/data", "/backups", "/logs", "/metrics"} <= mounts.keys()
    assert all(len(name) < 64 for name in mounts.values()), "names, not numbers"


def test_supporting_services_have_health_checks_too(host: Host, cold: Flow) -> None:
    """Docker itself asks all of them."""
    assert cold.report["outcome"] == "ok"
    states = {
        name: told["State"].get("Health", {}).get("Status")
        for name, told in host.containers().items()
        if told["State"]["Running"]
    }
    assert set(states.values()) == {"healthy"}, states


def test_log_lines_and_metrics_arrive_in_production(host: Host, cold: Flow) -> None:
    """What was asked through NGINX is at the collector and in Prometheus."""
    assert cold.report["outcome"] == "ok"
    made = host.fit()

    def collected() -> list[str]:
        text = host.docker.command("exec", host.service("logs"), "sh", "-c", "cat /logs/*.log")
        return [line for line in text.splitlines() if f'"result": {made["id"]}' in line]

    (line,) = eventually(collected)
    assert json.loads(line)["message"] == "fitted"
    query = ["promtool", "query", "instant", "http://127.0.0.1:9090", "sum(fits_total) > 0"]
    assert eventually(lambda: host.docker.command("exec", host.service("metrics"), *query))


# --- secrets --------------------------------------------------------------------------------------


def test_secrets_reach_the_process_alone(host: Host, cold: Flow) -> None:
    """They are in files of appuser's, and in no image, log, report, argument or inspection."""
    example = host.example
    host.fit()
    code = "import json, os; print(json.dumps(oct(os.stat('/run/secrets/api-key').st_mode)))"
    assert host.python(code).endswith("400")
    told = [outcome.text() for outcome in cold.outcomes]
    told += [json.dumps(one) for one in host.containers().values()]
    told += [host.docker.command("logs", name) for name in host.containers()]
    told.append(host.docker.command("exec", host.service("logs"), "sh", "-c", "cat /logs/*.log"))
    told.append(host.configuration)
    for path in (example.folder / ".keelway").rglob("*"):
        if path.is_file():
            told.append(path.read_text(errors="replace"))
    for name in ("history.jsonl", "compose.yaml"):
        told += [path.read_text() for path in example.host_folder.rglob(name)]
    for value in (host.api_key, host.store_key):
        assert not [text[:200] for text in told if value in text]
        for manifest in variants(example, "2.1.0").values():
            assert not containing(example, manifest, value.encode())


def test_secrets_come_from_vault_and_aws_at_the_deployment(host: Host, cold: Flow) -> None:
    """The target `staging` reads one from each; neither is told anywhere."""
    assert cold.report["outcome"] == "ok"
    api_key, store_key = secrets.token_hex(20), secrets.token_hex(20)
    with secret_stores() as stores:
        stores.vault["science-app/staging"] = {"api_key": api_key}
        stores.secrets["science-app/staging"] = json.dumps({"store_key": store_key})
        done = host.example.keelway("deploy", "2.1.0", "--to", "staging", **stores.environment)
    assert done.code == 0, done.text()
    try:
        (name,) = [
            one
            for one in host.containers()
            if ("staging" in one and "science-app_1" in one) or one == "staging-science-app-1"
        ]
        code = (
            "import pathlib as p; print(*(f.read_text() for f in p.Path('/run/secrets').iterdir()))"
        )
        got = host.docker.command("exec", name, "python3.11", "-c", code)
        assert set(got.split()) == {api_key, store_key}
        for value in (api_key, store_key):
            assert value not in done.text()
            assert value not in json.dumps(host.containers())
    finally:
        ours = [one for one in host.containers() if "staging" in one]
        host.docker.command("rm", "--force", *ours)


# --- evidence -------------------------------------------------------------------------------------


def test_each_platform_was_scanned(cold: Flow) -> None:
    """And the gate judged what was found."""
    assert {one["platform"] for one in cold.report["scan"]["targets"]} == {
        f"linux/{architecture}" for architecture in PLATFORMS
    }


def test_the_sbom_is_stored_with_the_image(example: Example, cold: Flow) -> None:
    """Whoever has the image gets its list, signed, from the registry."""
    assert cold.report["outcome"] == "ok"
    done = example.keelway("verify", example.reference("science-app", "2.1.0"), "--json")
    assert done.code == 0, done.text()
    assert "spdx" in done.out
    listed = (example.folder / ".keelway/sbom/science-app-linux-arm64.spdx.json").read_text()
    names = {package["name"] for package in json.loads(listed)["packages"]}
    assert {"numpy", "starlette", "libstdc++6", "python3.11"} <= names


def test_vulnerabilities_are_found_where_there_is_a_database(
    host: Host, cold: Flow, tmp_path: Path
) -> None:
    """Two words more under `[scan]`; what is found stops the release."""
    assert cold.report["outcome"] == "ok"
    program = need("trivy-db", package="trivy-db, by scripts/go-tools")
    database = build_database(tmp_path, program)
    copy = tmp_path / "project"
    shutil.copytree(host.example.folder, copy)
    config = copy / "keelway.toml"
    written = config.read_text().replace('scanners = ["secret",', 'scanners = ["vuln", "secret",')
    config.write_text(
        written.replace('database = "none"', f'database = "{database}"').replace(
            "[gate]", "[gate]\nmax_database_age_days = 100000"
        )
    )
    done = host.example.keelway("scan", "--config", str(config), "--platform", "linux/amd64")
    assert done.code in {0, 6}, done.text()
    report = json.loads((copy / ".keelway/report.json").read_text())
    kinds = [
        finding["kind"] for target in report["scan"]["targets"] for finding in target["findings"]
    ]
    assert "vulnerability" in kinds


@pytest.mark.parametrize("provider", ["github", "gitlab", "jenkins"])
def test_the_pipelines_are_those_that_the_command_writes(example: Example, provider: str) -> None:
    """What is checked in is not changed by hand."""
    done = example.keelway("init", "ci", provider, "--check")
    assert done.code == 0, done.text()


# --- two colours ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def second(host: Host, cold: Flow) -> Flow:
    """Version 2.2.0, released: one source file differs, and files lie about that are nobody's."""
    assert cold.report["outcome"] == "ok"
    example = host.example
    done = example.shell(
        "sed -i s/2.1.0/2.2.0/ keelway.toml && echo '# Another line.' >> fits/app.py"
        f" && echo {MARK} | tee .env fits/local.env secrets.key integration/x.pem >/dev/null"
    )
    assert done.code == 0, done.text()
    example.commit("Version 2.2.0")
    begin = time.monotonic()
    released = example.keelway("release", "--no-tests")
    assert released.code == 0, released.text()
    return Flow(seconds=time.monotonic() - begin, outcomes=(released,), report=example.report())


def test_a_change_of_the_source_makes_one_layer_anew(example: Example, second: Flow) -> None:
    """Dependencies are above the application: their layers are those of before."""
    assert second.report["outcome"] == "ok"
    before, after = (variants(example, tag) for tag in ("2.1.0", "2.2.0"))
    for architecture in PLATFORMS:
        old = [layer["digest"] for layer in before[architecture]["layers"]]
        new = [layer["digest"] for layer in after[architecture]["layers"]]
        assert len(old) == len(new)
        assert [one == other for one, other in zip(old, new, strict=True)].count(False) == 1


def test_only_what_is_named_gets_into_a_build(example: Example, second: Flow) -> None:
    """Neither keys nor files of variables, wherever they lie."""
    assert second.report["outcome"] == "ok"
    for manifest in variants(example, "2.2.0").values():
        assert not containing(example, manifest, MARK.encode())


def test_an_unhealthy_colour_gets_no_request(host: Host, second: Flow) -> None:
    """Green does not start with half a secret: blue goes on serving, and green is gone."""
    assert second.report["outcome"] == "ok"
    before, configuration = host.ask("/health").json(), host.configuration
    done = host.example.keelway("deploy", "2.2.0", "--to", "here", SCIENCE_API_KEY="short")
    assert done.code == 7, done.text()
    assert "shorter than 16 characters" in done.text()
    assert host.ask("/health").json() == before
    assert host.configuration == configuration
    assert host.fit()["version"] == "2.1.0"


def test_colours_with_different_tags_take_turns(host: Host, second: Flow) -> None:
    """NGINX's file is written anew for green, and again for the way back; results stay."""
    assert second.report["outcome"] == "ok"
    made, first = host.fit(), host.configuration
    colour = host.ask("/health").json()["colour"]
    done = host.example.keelway("deploy", "2.2.0", "--to", "here")
    assert done.code == 0, done.text()
    now = host.ask("/health").json()
    assert now["version"] == "2.2.0"
    assert {now["colour"], colour} == {"blue", "green"}
    assert host.configuration != first
    key = {"X-API-Key": host.api_key}
    assert host.ask(f"/fits/{made['id']}", headers=key).json() == made
    tags = {
        told["Config"]["Labels"].get("dev.keelway.version") for told in host.containers().values()
    }
    assert "2.2.0" in tags

    back = host.example.keelway("rollback", "here")
    assert back.code == 0, back.text()
    assert host.ask("/health").json() == {"status": "ok", "version": "2.1.0", "colour": colour}
    assert host.configuration == first


# --- an ordinary user -----------------------------------------------------------------------------


@pytest.fixture
def ordinary(host: Host) -> Iterator[Path]:
    """A copy of the project that belongs to an ordinary user of this machine."""
    folder = Path(tempfile.mkdtemp(prefix="keelway-ordinary-"))
    try:
        shutil.copytree(host.example.folder, folder / "project", symlinks=True)
        if os.geteuid() == 0:
            folder.chmod(0o755)
            as_ordinary("true")  # makes the user where there is none
            subprocess.run(["chown", "-R", "keelway-test:", str(folder)], check=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_an_ordinary_user_builds_scans_and_tests(ordinary: Path, cold: Flow) -> None:
    """Nothing of it needs root: two platforms, the services beside it, the scans and the gate."""
    assert cold.report["outcome"] == "ok"
    done = as_ordinary(
        f"cd {ordinary}/project && test $(id -u) -ne 0 &&"
        f" KEELWAY_CI=none KEELWAY_STORE={ordinary}/store keelway release --no-publish"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((ordinary / "project/.keelway/report.json").read_text())
    done_by = {stage["name"]: stage["status"] for stage in report["stages"]}
    for stage in ("build", "policy", "scan", "sbom", "integration", "gate"):
        assert done_by[stage] == "ok"
    assert {one["platform"] for one in report["scan"]["targets"]} == {"linux/amd64", "linux/arm64"}


def test_an_ordinary_user_deploys_to_podman(ordinary: Path, host: Host, cold: Flow) -> None:
    """The services run without root as well, and are healthy."""
    assert cold.report["outcome"] == "ok"
    need("podman", package="podman")
    config = ordinary / "project/keelway.toml"
    config.write_text(
        config.read_text().replace(str(host.example.host_folder), f"{ordinary}/deployed")
    )
    done = as_ordinary(
        f"cd {ordinary}{PODMAN} cd project\n"
        f"export KEELWAY_CI=none KEELWAY_STORE={ordinary}/store"
        f" SCIENCE_API_KEY={host.api_key} SCIENCE_STORE_KEY={host.store_key}\n"
        "keelway deploy 2.1.0 --to rootless\n"
        "podman info --format 'rootless {{.Host.Security.Rootless}}'\n"
        "podman ps --format '{{.Names}} {{.Status}}'"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rootless true" in done.stdout
    (_, listed) = done.stdout.split("rootless true")
    states = dict(line.split(" ", 1) for line in listed.strip().splitlines())
    assert {name.split("_")[1] for name in states} == {"science-app", "logs", "metrics"}
    assert all(state.endswith("(healthy)") for state in states.values())

"""`make demo`: one commit becomes a scanned image for two platforms, published and runnable."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagger
import pytest

from tests.support.engines import Engine, Kind, sdk_session
from tests.support.leftovers import traces, wait_until

if TYPE_CHECKING:
    from tests.e2e.conftest import Demo, Run

pytestmark = [pytest.mark.slow, pytest.mark.emulated, pytest.mark.timeout(1500)]

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}

# Starts the service as the image does, without a database, and asks it how it is: over HTTP, and by
# the image's own health check.
SERVE = """
import subprocess, sys, time
from orders.__main__ import main
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
service = subprocess.Popen([sys.executable, "-m", "orders", "serve"], **quiet)
for _ in range(150):
    asked = subprocess.run([sys.executable, "-m", "orders", "health"], capture_output=True)
    if asked.returncode == 0:
        break
    time.sleep(0.2)
code = main(["health"])
service.terminate()
service.wait()
sys.exit(code)
"""


def test_it_ends_well_and_reports_everything(demo: Demo, first: Run) -> None:
    report = first.report
    assert report["outcome"] == "ok"
    assert report["engine"]["name"] == "local"
    assert {stage["name"]: stage["status"] for stage in report["stages"]}.items() >= {
        "build": "ok",
        "scan": "ok",
        "sbom": "ok",
        "integration": "ok",
        "gate": "ok",
        "publish": "ok",
    }.items()
    assert {target["platform"] for target in report["scan"]["targets"]} == set(MACHINES)
    documents = report["sbom"]["documents"]
    assert {(d["platform"], d["format"]) for d in documents} == {
        (platform, form) for platform in MACHINES for form in ("spdx-json", "cyclonedx-json")
    }
    assert all(document["packages"] > 30 for document in documents)  # Debian's and Python's
    assert str(demo.project / ".keelway/report.json") in first.said


def test_the_image_was_tested_beside_its_database(demo: Demo, first: Run) -> None:
    suite, _ = first.report["tests"]["suites"]
    assert suite["images"] == ["orders"]
    assert [case["status"] for case in suite["cases"]] == ["passed"] * 4
    states = {service["name"]: service["state"] for service in suite["services"]}
    assert states == {"orders": "healthy", "db": "healthy"}
    log = (demo.project / ".keelway" / "integration/api/db.log").read_text()
    assert "database system is ready to accept connections" in log


def test_it_bears_the_loss_of_its_database(demo: Demo, first: Run) -> None:
    _, suite = first.report["tests"]["suites"]
    assert (suite["name"], suite["images"]) == ("faults", ["orders"])
    assert {case["status"] for case in suite["cases"]} == {"passed"}
    killed, slow = suite["faults"]
    assert killed["answers"]["503"] >= 1
    assert killed["recovered_s"] <= 30
    assert set(slow["answers"]) == {"200"}
    log = (demo.project / ".keelway" / killed["log"]).read_text()
    assert "http://orders:8080/health?ready: 503" in log


def test_the_sboms_name_debian_packages_and_python_packages(demo: Demo, first: Run) -> None:
    for document in first.report["sbom"]["documents"]:
        if document["format"] != "spdx-json":
            continue
        text = (demo.project / ".keelway" / document["path"]).read_text()
        names = {package["name"] for package in json.loads(text)["packages"]}
        assert {"libc6", "libssl3", "python3.11", "starlette", "psycopg-binary"} <= names


def test_every_tag_names_one_index_of_both_platforms(demo: Demo, first: Run) -> None:
    (image,) = first.report["published"]
    tags = {reference.partition("@")[0].rpartition(":")[2] for reference in image["references"]}
    assert {"1.4.0", "main"} <= tags
    assert any(tag.startswith("sha-") for tag in tags)
    for reference in image["references"]:
        digest, index = demo.registry.manifest(reference.partition("@")[0])
        assert digest == image["digest"]
        found = {
            f"{m['platform']['os']}/{m['platform']['architecture']}" for m in index["manifests"]
        }
        assert found == set(MACHINES)


def test_images_start_with_the_very_layer_of_their_base(demo: Demo, first: Run) -> None:
    base = _variants(demo, demo.pins()["python"])
    image = _variants(demo, _published(first))
    for platform in MACHINES:
        assert image[platform]["layers"][0]["digest"] == base[platform]["layers"][0]["digest"]


def test_the_image_is_hardened_as_its_dockerfile_says(demo: Demo, first: Run) -> None:
    for manifest in _variants(demo, _published(first)).values():
        config = demo.registry.config("demo/orders", manifest)["config"]
        assert config["User"] == "65532:65532"
        assert config["Entrypoint"] == ["python", "-m", "orders"]
        assert config["Cmd"] == ["serve"]
        assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "orders", "health"]
        assert config["Labels"]["org.opencontainers.image.title"] == "orders"
        assert config["Labels"]["org.opencontainers.image.revision"]


async def test_both_platforms_run_as_they_were_published(
    demo: Demo, first: Run, tmp_path: Path
) -> None:
    engine = _local_engine(demo)
    checks: dict[str, dict[str, Any]] = {}
    async with sdk_session(engine) as client:
        for platform in MACHINES:
            archive = _pull(demo, _published(first), platform, tmp_path)
            image = client.container(platform=dagger.Platform(platform)).import_(
                client.host().file(str(archive))
            )
            check = image.with_exec(["check"], use_entrypoint=True)
            checks[platform] = json.loads(await check.stdout())
            health = json.loads(await image.with_exec(["python", "-c", SERVE]).stdout())
            assert health == {"status": "degraded", "database": "down", "version": "1.4.0"}
            shell = image.with_exec(["/bin/sh", "-c", "true"], expect=dagger.ReturnType.ANY)
            assert await shell.exit_code() == 127  # there is none
    assert {platform: check.pop("machine") for platform, check in checks.items()} == MACHINES
    assert checks["linux/amd64"] == checks["linux/arm64"]
    assert checks["linux/amd64"]["version"] == "1.4.0"
    assert checks["linux/amd64"]["psycopg"].endswith("(binary)")


@pytest.mark.usefixtures("first")
async def test_the_services_own_tests_pass_in_the_image_that_builds_it(demo: Demo) -> None:
    pins = demo.pins()
    arguments = {"PYTHON_BASE": pins["python"], "PYTHON_BUILD_BASE": pins["python-build"]}
    async with sdk_session(_local_engine(demo)) as client:
        built = (
            client.host()
            .directory(str(demo.project), exclude=[".git"])
            .docker_build(
                target="test",
                build_args=[dagger.BuildArg(name, value) for name, value in arguments.items()],
            )
        )
        # The build itself runs them; once more, to read what they say.
        said = await built.with_exec(["/opt/venv/bin/python", "-m", "pytest", "tests"]).stdout()
    assert " passed" in said
    assert "failed" not in said


@pytest.mark.usefixtures("first")
def test_again_with_nothing_changed_is_nearly_all_cached(demo: Demo, first: Run) -> None:
    again = demo.run(KEELWAY_DEMO_NO_DEPLOY="1")
    assert again.code == 0, again.said
    assert again.said.count("unchanged, nothing to do") == 3
    assert again.report["published"] == first.report["published"]
    steps = again.report["steps"]
    assert steps["failed"] == 0
    suite, faults = again.report["tests"]["suites"]
    assert (suite["reused"], faults["reused"], again.report["load"]["reused"]) == (True,) * 3
    assert suite["ran_at"] == first.report["tests"]["suites"][0]["ran_at"]
    # Only looks at what was found before: at the suite's, each experiment's, the load test's, each
    # platform's archive, and at the machine. Nothing is signed again.
    looks = 1 + len(faults["faults"]) + 2 + len(again.report["published"][0]["platforms"])
    assert steps["run"] <= len(again.report["published"][0]["references"]) + looks, steps
    assert _statements(again) == _statements(first)
    assert steps["cached"] >= 20, steps
    assert "all but the pushes was cached or reused" in again.said


@pytest.mark.usefixtures("first")
def test_it_leaves_no_process_and_no_mount(demo: Demo) -> None:
    store = demo.environment["KEELWAY_STORE"]
    # The registry was kept on purpose; it knows nothing of the store, but inherited its name.
    assert wait_until(
        lambda: not traces(store).mounts and all("serve" in p for p in traces(store).processes),
        seconds=10,
    ), traces(store)


def _statements(run: Run) -> set[str]:
    kept = (*run.report["signatures"]["evidence"], *run.report["attestations"]["evidence"])
    return {one["reference"] for one in kept}


def _local_engine(demo: Demo) -> Engine:
    program = Path(sys.executable).parent / "keelway-engine"
    settings = {"KEELWAY_STORE": demo.environment["KEELWAY_STORE"]}
    return Engine(kind=Kind.LOCAL, program=program, environment=settings)


def _published(run: Run) -> str:
    reference: str = run.report["published"][0]["references"][0]
    return reference.partition("@")[0]


def _variants(demo: Demo, reference: str) -> dict[str, dict[str, Any]]:
    """Return the manifest of each platform."""
    ours = reference.startswith(f"{demo.registry.address}/")
    registry = demo.registry if ours else demo.bases
    _, index = registry.manifest(reference)
    repository = reference.removeprefix(f"{registry.address}/").partition("@")[0]
    repository = repository.rpartition(":")[0] or repository
    return {
        f"{entry['platform']['os']}/{entry['platform']['architecture']}": registry.manifest(
            f"{repository}@{entry['digest']}"
        )[1]
        for entry in index["manifests"]
    }


def _pull(demo: Demo, reference: str, platform: str, folder: Path) -> Path:
    """Bring one platform back from the registry, by a program that is no part of keelway."""
    archive = folder / f"{platform.replace('/', '-')}.tar"
    words = ["skopeo", f"--override-arch={platform.split('/')[1]}", "copy", "--quiet"]
    words += ["--src-tls-verify=false", f"docker://{reference}", f"oci-archive:{archive}"]
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, "HOME": str(folder)})
    assert demo.registry.has(reference)
    return archive


def test_a_worse_version_is_taken_back_and_nobody_notices(first: Run) -> None:
    after = first.said.partition("==> keelway deploy 1.5.0 --to here")[2]
    assert "error: 1.5.0 failed; 1.4.0 serves again on this machine" in after
    assert "exit code 7: the new version failed, the old one serves" in after
    asked = re.search(r"^(\d+) requests meanwhile, 0 failed$", after, re.MULTILINE)
    assert asked is not None, after
    assert int(asked[1]) > 100
    assert '"version":"1.4.0"' in after
    history = after.partition("==> keelway history here")[2]
    assert [line.split()[-1] for line in re.findall(r"1\.[45]\.0 +[0-9a-f]{12} +\S+", history)] == [
        "started", "succeeded", "started", "rolled-back",
    ]  # fmt: skip

"""examples/matrix-product: three targets for two platforms, released, deployed, and looked after."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.advisories import age_database, build_database
from tests.support.flows import test_the_whole_flow_keeps_its_budget
from tests.support.matrix_product import (
    PLATFORMS,
    TARGETS,
    answer,
    comes_to_answer,
    push_old_nights,
    push_snyk,
    reference,
    scan_production,
    tags,
    use_fall_back,
    variant,
)
from tests.support.missing import need
from tests.support.registry import Registry, running_registry
from tests.support.told import Receiver, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.examples import Example, Flow
    from tests.support.runtimes import RunningRuntime

__all__ = ["test_the_whole_flow_keeps_its_budget"]

EXAMPLE = "matrix-product"
REFUSED = 6


@pytest.fixture(scope="module")
def told(example: Example) -> Iterator[Receiver]:
    """Who hears of deployments."""
    with receiving() as receiver:
        example.variables["DEPLOYMENTS_WEBHOOK"] = receiver.url
        yield receiver


@pytest.fixture(scope="module")
def kept(example: Example, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The fall-back: a registry of its own."""
    with running_registry(tmp_path_factory.mktemp("kept")) as running:
        use_fall_back(example, running)
        yield running


@pytest.fixture(scope="module", autouse=True)
def prepared(example: Example, docker: RunningRuntime, told: Receiver, kept: Registry) -> None:
    """What surrounds the product, before its flow begins."""
    state = example.folder.parent / "state"
    example.variables["XDG_STATE_HOME"] = str(state)
    assert docker.environment
    assert told.url
    assert kept.address


def test_each_target_is_one_index_for_both_platforms(example: Example, cold: Flow) -> None:
    assert [one["name"] for one in cold.report["published"]] == [*TARGETS]
    for target in TARGETS:
        _, index = example.registry.manifest(reference(example, f"v1.4.0-{target}"))
        found = [f"{e['platform']['os']}/{e['platform']['architecture']}" for e in index["manifests"]]
        assert sorted(found) == [*PLATFORMS]


def test_six_images_are_built_side_by_side(cold: Flow) -> None:
    (build,) = (stage for stage in cold.report["stages"] if stage["name"] == "build")
    assert len(build["items"]) == len(TARGETS) * len(PLATFORMS)
    ends = min(one["began_s"] + one["seconds"] for one in build["items"])
    assert max(one["began_s"] for one in build["items"]) < ends


def test_the_stages_are_those_of_the_document(example: Example) -> None:
    stages = re.findall(r"(?m)^FROM .* AS (\S+)$", (example.folder / "Dockerfile").read_text())
    assert stages == [
        "base", "deps", "builder", "prod-deps", "testing", "production", "development",
    ]  # fmt: skip


def test_each_target_has_its_tags(example: Example, cold: Flow) -> None:
    assert cold.report["version"] == "v1.4.0"
    short = example.shell("git rev-parse --short=7 HEAD").out.strip()
    (day,) = {tag[:8] for tag in tags(example) if re.fullmatch(rf"\d{{8}}-{short}-\w+", tag)}
    for target in TARGETS:
        same = {
            example.registry.manifest(reference(example, f"{tag}-{target}"))[0]
            for tag in ("v1.4.0", "latest", f"{day}-{short}")
        }
        assert len(same) == 1


def test_production_has_no_shell_no_compiler_and_no_tests(example: Example, cold: Flow) -> None:
    assert cold.report["verdict"]["passed"]
    listed = json.loads(
        (example.folder / ".keelway/sbom/production-linux-amd64.spdx.json").read_text()
    )
    names = {one["name"] for one in listed["packages"]}
    assert {"prom-client", "@redis/client", "libnode108"} <= names
    assert not names & {"typescript", "npm", "dash", "bash", "apt"}


def test_trivy_has_looked_at_all_six(example: Example, cold: Flow) -> None:
    targets = {(one["image"], one["platform"]) for one in cold.report["scan"]["targets"]}
    assert targets == {(target, platform) for target in TARGETS for platform in PLATFORMS}
    for target in TARGETS:
        sarif = json.loads(
            (example.folder / f".keelway/scan/{target}-linux-amd64.sarif").read_text()
        )
        assert sarif["version"] == "2.1.0"


def test_a_vulnerable_package_stops_it_where_there_is_a_database(
    example: Example, cold: Flow, tmp_path: Path
) -> None:
    assert cold.outcomes
    trivy_db = need("trivy-db", package="trivy-db, by scripts/go-tools --tests")
    database = build_database(tmp_path, trivy_db)
    age_database(database, time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime()))
    done = scan_production(example, ('database = "none"', f'database = "{database}"'))
    assert done.code == REFUSED, done.text()
    assert "CVE-2023-45853" in done.text()


def test_snyk_looks_at_production_alone(
    example: Example, cold: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snyk's service needs an account: a stand-in speaks the published form of its program."""
    assert "Snyk was not asked" in json.dumps(cold.report["scan"]["notes"])
    monkeypatch.setenv("KEELWAY_STORE", str(example.store))
    lock = (example.folder / "keelway.lock").read_text()
    (base,) = re.findall(r'\[base\."?node"?\]\nreference = "([^"]+)"', lock)
    image = anyio.run(push_snyk, example, base)
    change = ("[tools.trivy]", f'[tools.snyk]\nsource = "image"\nimage = "{image}"\n\n[tools.trivy]')
    words = ("--image", "production", "--image", "testing", "--platform", "linux/amd64")
    with variant(example, change) as config:
        done = example.keelway("scan", "--config", config, *words, SNYK_TOKEN="stand-in")  # noqa: S106
    assert done.code == REFUSED, done.text()
    asked = {one["image"]: one["second_opinions"] for one in example.report()["scan"]["targets"]}
    assert asked["testing"] == []
    (opinion,) = asked["production"]
    assert (opinion["tool"]["name"], opinion["found"]) == ("snyk", 1)
    assert "CVE-2024-99999" in done.text()


def test_a_licence_that_is_denied_stops_it(example: Example, cold: Flow) -> None:
    assert cold.report["verdict"]["passed"]
    done = scan_production(example, ('denied = ["AGPL-*"', 'denied = ["Apache-2.0", "AGPL-*"'))
    assert done.code == REFUSED, done.text()
    assert "Apache-2.0" in done.text()
    assert "prom-client" in done.text()


def test_its_tests_have_passed_beside_redis(cold: Flow) -> None:
    suites = {one["name"]: one for one in cold.report["tests"]["suites"]}
    assert sorted(suites) == ["api", "faults", "unit"]
    assert len(suites["unit"]["cases"]) >= 9
    assert len(suites["api"]["cases"]) >= 4
    for suite in suites.values():
        assert {case["status"] for case in suite["cases"]} == {"passed"}


def test_its_health_check_tells_the_truth(cold: Flow) -> None:
    results = {
        (one["rule"], one["image"], one["platform"]): one["outcome"]
        for one in cold.report["policy"]["results"]
    }
    for rule in ("starts", "health-in-time", "health-detects", "health-stops"):
        assert results[rule, "production", "linux/amd64"] == "passed"
    (faults,) = (one for one in cold.report["tests"]["suites"] if one["name"] == "faults")
    (killed,) = faults["faults"]
    # It was ready before, said so no longer while its Redis was gone, and was again afterwards; whether
    # it was asked before it had noticed is chance.
    judged = {case["name"]: case["status"] for case in faults["cases"]}
    assert judged == dict.fromkeys(("steady-state", "degrades", "unaffected", "recovers"), "passed")
    assert "503" in killed["answers"]
    assert killed["recovered_s"] <= killed["within_s"]


def test_it_holds_under_load_and_a_threshold_can_fail(example: Example, cold: Flow) -> None:
    thresholds = {one["metric"]: one["crossed"] for one in cold.report["load"]["thresholds"]}
    assert thresholds == {"checks": False, "http_req_duration": False, "http_req_failed": False}
    strict = '[load.thresholds]\nhttp_req_duration = ["p(95)<0.001"]\n\n[load.regression]'
    with variant(example, ("[load.regression]", strict)) as config:
        done = example.keelway("load", "--config", config)
    assert done.code == REFUSED, done.text()
    assert "p(95)<0.001" in done.text()


def test_the_figures_are_in_the_report(cold: Flow, again: Flow) -> None:
    for one in cold.report["policy"]["measures"]:
        assert 50e6 < one["size_bytes"] < 150e6
        assert one["compressed_bytes"] < one["size_bytes"]
        assert one["efficiency"] > 0.99
    started = {one["image"]: one["healthy_ms"] for one in cold.report["policy"]["starts"]}
    assert started["production"] > 0
    assert cold.report["seconds"] > 0
    assert {one["name"] for one in cold.report["stages"]} >= {"build", "scan", "load", "publish"}
    hits = [one.report["steps"]["cached"] / one.report["steps"]["run"] for one in (cold, again)]
    assert hits[1] > hits[0]


def test_the_deployment_serves_and_is_told(example: Example, cold: Flow, told: Receiver) -> None:
    assert cold.outcomes
    status, text = answer(example.port(5223), "/ready")
    assert (status, "ready" in text) == (200, True)
    assert '"version":"1.4.0"' in answer(example.port(5223), "/health")[1]
    heard = [json.loads(one.body) for one in told.asked]
    assert [one["type"] for one in heard][:2] == ["deploy.started", "deploy.succeeded"]
    assert heard[1]["data"]["version"] == "v1.4.0"
    well = example.keelway("health", "here")
    assert well.code == 0, well.text()


def test_the_commands_of_every_day(example: Example, cold: Flow) -> None:
    """`prod`, `health`, `logs`, `down`, `monitoring` and `clean`, as README.md lists them."""
    assert cold.outcomes
    try:
        for command, port, path, text in (
            ("prod", 5220, "/ready", "ready"),
            ("monitoring", 5222, "/api/v1/query?query=up%7Bjob%3D%22catalog%22%7D", '"1"]'),
        ):
            done = example.keelway(command)
            assert done.code == 0, done.text()
            assert comes_to_answer(example.port(port), path, text)
            well = example.keelway("health")
            assert well.code == 0, well.text()
            assert '"listening"' in example.keelway("logs", "catalog").out
            assert example.keelway("down").code == 0
            assert answer(example.port(5220), "/ready")[0] == 0
        cleaned = example.keelway("clean")
        assert cleaned.code == 0, cleaned.text()
    finally:
        example.keelway("down", "--timeout", "1")


def test_development_takes_over_what_is_changed(example: Example, cold: Flow) -> None:
    assert cold.outcomes
    source = example.folder / "src/server.ts"
    before = source.read_text()
    try:
        done = example.keelway("dev", "--detach")
        assert done.code == 0, done.text()
        assert comes_to_answer(example.port(5221), "/health", '"status":"ok"')
        source.write_text(before.replace('status: "ok"', 'status: "changed"'))
        assert comes_to_answer(example.port(5221), "/health", '"status":"changed"')
    finally:
        source.write_text(before)
        example.keelway("down", "--timeout", "1")


def test_one_image_or_all_are_built_and_nothing_is_pushed(example: Example, cold: Flow) -> None:
    assert cold.outcomes
    before = tags(example)
    for words, count in (
        (("--image", "production", "--platform", "linux/amd64"), 1),
        (("--all",), 6),
    ):
        done = example.keelway("build", *words)
        assert done.code == 0, done.text()
        (build,) = (one for one in example.report()["stages"] if one["name"] == "build")
        assert len(build["items"]) == count
    tested = example.keelway("test", "--suite", "unit")
    assert tested.code == 0, tested.text()
    assert tags(example) == before


def test_a_lost_image_comes_back_from_the_fall_back_or_its_source(
    example: Example, cold: Flow, kept: Registry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert cold.outcomes
    image = reference(example, "v1.4.0-production")
    digest = example.registry.manifest(image)[0]
    assert kept.manifest("kept/matrix-product:v1.4.0-production")[0] == digest
    with running_registry(tmp_path_factory.mktemp("new")) as new:
        # The registry lost everything: its place is taken by an empty one.
        lost = f"{example.registry.address}/{example.repositories}"
        change = (f'url = "{lost}"', f'url = "{new.address}/product"')
        with variant(example, change) as config:
            name = f"{new.address}/product/matrix-product:v1.4.0-production"
            back = example.keelway("restore", name, "--config", config)
            assert back.code == 0, back.text()
            assert new.manifest("product/matrix-product:v1.4.0-production")[0] == digest
    commit = example.shell("git rev-parse HEAD").out.strip()
    again = example.keelway("rebuild", f"{image}@{digest}", "--commit", commit)
    assert again.code == 0, again.text()
    assert "the same digest as before" in again.out


def test_images_of_old_nights_go_and_nothing_that_is_needed(example: Example, cold: Flow) -> None:
    assert cold.outcomes
    nights = push_old_nights(example, 9)
    before = tags(example)
    history = next(example.host_folder.rglob("deployment_history.log"))
    planned = example.keelway("retention", "plan", "--out", "plan.toml", "--history", str(history))
    assert planned.code == 0, planned.text()
    done = example.keelway("retention", "apply", "plan.toml")
    assert done.code == 0, done.text()
    (example.folder / "plan.toml").unlink()
    # Seven of each target stay, and what a release or a deployment needs, however old it is.
    assert before - tags(example) == set(nights[-2:])
    for target in TARGETS:
        verified = example.keelway("verify", reference(example, f"v1.4.0-{target}"))
        assert verified.code == 0, verified.text()

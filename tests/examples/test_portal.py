"""examples/portal, released from a branch `develop`, promoted and deployed; then asked about."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.advisories import age_database, build_database
from tests.support.flows import test_the_whole_flow_keeps_its_budget
from tests.support.kubernetes_api import Cluster, kubernetes_api
from tests.support.missing import need
from tests.support.portal import IMAGES, digest, forge, git, github, head, layers, tagged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.examples import Example, Flow

__all__ = ["test_the_whole_flow_keeps_its_budget"]

EXAMPLE = "portal"
OLD = "registry.example.com/portal:1.0"


@pytest.fixture(scope="module", autouse=True)
def prepared(example: Example) -> None:
    """What README.md says to do first, on the branch of the environment that comes first."""
    need("kustomize", package="kustomize, by scripts/go-tools --tests")
    done = example.shell(f"git switch -q -c develop && ./prepare {example.host_folder}/portal")
    assert done.code == 0, done.text()


@pytest.fixture(scope="module")
def release(example: Example, cold: Flow) -> dict[str, str]:
    """The git tag v1.4.0, pushed: the digests that `keelway release` publishes for it."""
    assert cold.report["published"]
    git(example.folder, "tag", "v1.4.0")
    done = example.keelway("release", "--no-tests", **github(example, "push", "refs/tags/v1.4.0"))
    assert done.code == 0, done.text()
    return {image: digest(example, image, "v1.4.0") for image in IMAGES}


def test_web_and_worker_come_out_of_one_source_for_both_platforms(
    example: Example, cold: Flow
) -> None:
    assert [one["name"] for one in cold.report["published"]] == [*IMAGES]
    for architecture in ("amd64", "arm64"):
        web, worker = (layers(example, image, architecture) for image in IMAGES)
        assert web == worker
    assert digest(example, IMAGES[0], "develop-latest") != digest(
        example, IMAGES[1], "develop-latest"
    )


def test_its_own_tests_have_passed_beside_a_real_database(cold: Flow) -> None:
    suites = {one["name"]: one for one in cold.report["tests"]["suites"]}
    assert {case["status"] for one in suites.values() for case in one["cases"]} == {"passed"}
    names = {case["name"] for case in suites["unit"]["cases"]}
    assert "test_each_task_is_done_once_however_many_workers_there_are" in names
    beside = {one["name"] for one in suites["portal"]["services"]}
    assert {"web", "worker", "db"} <= beside


def test_a_push_to_develop_has_its_tags_and_no_latest(example: Example, cold: Flow) -> None:
    commit = head(example)
    assert cold.report["version"] == f"develop-{commit[:7]}"
    for image in IMAGES:
        wanted = {f"develop-{commit[:7]}", "develop-latest", commit}
        assert wanted <= tagged(example, image)
        assert len({digest(example, image, tag) for tag in wanted}) == 1


def test_the_same_digest_went_to_staging_and_production(example: Example, cold: Flow) -> None:
    assert len(cold.outcomes) == 4
    short = head(example)[:7]
    for image in IMAGES:
        tags = [
            f"{environment}-{what}"
            for environment in ("develop", "staging", "production")
            for what in (short, "latest")
        ]
        assert len({digest(example, image, tag) for tag in tags}) == 1
        reference = example.reference(image, "production-latest")
        told = example.keelway("promotions", reference, "--json")
        records = json.loads(told.out)["promotions"]
        assert {one["environment"] for one in records} == {"staging", "production"}
        assert all(one["signed"] for one in records)


def test_the_new_digests_are_committed_where_the_cluster_looks(
    example: Example, cold: Flow, tmp_path: Path
) -> None:
    """Argo CD builds the path of its Application by kustomize, as is done here."""
    assert cold.outcomes
    repository = example.host_folder / "portal/deploy.git"
    clone = tmp_path / "followed"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    assert "staging" in git(clone, "log", "-1", "--format=%s")
    assert git(clone, "diff", "--name-only", "HEAD^").split() == [
        "overlays/staging/kustomization.yaml"
    ]
    built = subprocess.run(
        [need("kustomize", package="kustomize"), "build", str(clone / "overlays/staging")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for image in IMAGES:
        name = example.reference(image, "x").rpartition(":")[0]
        assert f"image: {name}@{digest(example, image, 'staging-latest')}\n" in built


def test_production_is_changed_by_a_pull_request(example: Example, cold: Flow) -> None:
    assert cold.outcomes
    repository = example.host_folder / "portal/deploy.git"
    before = git(repository, "rev-parse", "main")
    words = ("deploy", "production-latest", "--to", "production")
    with forge(example) as url:
        for _ in range(2):
            done = example.keelway(*words, DEPLOY_TOKEN="token")
            assert done.code == 0, done.text()
        pulls = httpx.get(f"{url}/repos/acme/portal-deploy/pulls", trust_env=False).json()
    (pull,) = pulls
    assert (pull["base"], pull["head"]) == ("main", "keelway/production/production-latest")
    assert git(repository, "rev-parse", "main") == before
    overlay = git(repository, "show", f"{pull['head']}:overlays/production/kustomization.yaml")
    for image in IMAGES:
        assert digest(example, image, "production-latest") in overlay
    assert "token" not in git(repository, "log", "-1", "--format=%B", pull["head"])


@pytest.fixture
def cluster(example: Example, cold: Flow, tmp_path: Path) -> Iterator[Cluster]:
    """Both workloads, as they ran before."""
    need("kubectl", package="kubernetes-client")
    assert cold.outcomes
    with kubernetes_api(tmp_path) as there:
        there.add("web", {"web": OLD})
        there.add("worker", {"worker": OLD})
        example.variables["KUBECONFIG_CONTENT"] = there.kubeconfig
        yield there
        del example.variables["KUBECONFIG_CONTENT"]


def images_of(cluster: Cluster) -> list[str]:
    """Return what both workloads are told to run."""
    return [cluster.images("web")["web"], cluster.images("worker")["worker"]]


def wanted(example: Example, tag: str) -> list[str]:
    """Return both images by digest."""
    return [
        f"{example.reference(image, 'x').rpartition(':')[0]}@{digest(example, image, tag)}"
        for image in IMAGES
    ]


def test_kubectl_brings_both_workloads_to_the_digests_and_waits(
    example: Example, cluster: Cluster
) -> None:
    done = example.keelway("deploy", "develop-latest", "--to", "cluster")
    assert done.code == 0, done.text()
    assert images_of(cluster) == wanted(example, "develop-latest")
    # The rollout was looked at after the change: it is what the command waited for.
    changed = max(n for n, asked in enumerate(cluster.requests) if asked.startswith("PATCH"))
    assert any("deployments" in asked for asked in cluster.requests[changed:])


def test_a_rollout_that_fails_is_taken_back(
    example: Example, cluster: Cluster, release: dict[str, str]
) -> None:
    cluster.bad.add(release["portal-worker"])
    first = example.keelway("deploy", "develop-latest", "--to", "cluster")
    assert first.code == 0, first.text()
    failed = example.keelway("deploy", "v1.4.0", "--to", "cluster")
    assert failed.code == 7, failed.text()
    assert images_of(cluster) == wanted(example, "develop-latest")


def test_cosign_verifies_both_images_and_nobody_elses_key(
    example: Example, cold: Flow, tmp_path: Path
) -> None:
    assert cold.outcomes
    verify = "cosign verify --allow-http-registry --insecure-ignore-tlog=true --key"
    other = tmp_path / "other"
    made = example.shell(
        f"cosign generate-key-pair --output-key-prefix {other}", COSIGN_PASSWORD=""
    )
    assert made.code == 0, made.text()
    for image in IMAGES:
        reference = example.reference(image, "production-latest")
        assert example.shell(f"{verify} .keelway/demo.pub {reference}").code == 0
        assert example.shell(f"{verify} {other}.pub {reference}").code != 0
        checked = example.keelway("verify", reference)
        assert checked.code == 0, checked.text()


def test_trivy_has_looked_at_both_images(cold: Flow) -> None:
    targets = {(one["image"], one["platform"]) for one in cold.report["scan"]["targets"]}
    platforms = ("linux/amd64", "linux/arm64")
    assert targets == {(image, platform) for image in IMAGES for platform in platforms}
    assert cold.report["verdict"]["passed"]


def test_a_vulnerable_package_stops_it_where_there_is_a_database(
    example: Example, cold: Flow, tmp_path: Path
) -> None:
    assert cold.outcomes
    trivy_db = need("trivy-db", package="trivy-db, by scripts/go-tools --tests")
    database = build_database(tmp_path, trivy_db)
    age_database(database, time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime()))
    config = (example.folder / "keelway.toml").read_text()
    config = config.replace('scanners = ["secret"', 'scanners = ["vuln", "secret"')
    config = config.replace('database = "none"', f'database = "{database}"')
    (example.folder / ".keelway/vulnerabilities.toml").write_text(config)
    done = example.shell(
        "cp .keelway/vulnerabilities.toml vulnerabilities.toml;"
        " trap 'rm vulnerabilities.toml' EXIT;"
        " keelway scan --config vulnerabilities.toml --image portal-web --platform linux/amd64"
    )
    assert done.code == 6, done.text()
    assert "CVE-2023-45853" in done.text()


def test_a_git_tag_is_a_release_and_latest(example: Example, release: dict[str, str]) -> None:
    for image in IMAGES:
        assert digest(example, image, "latest") == release[image]
        assert digest(example, image, "develop-latest") != release[image]
        # A whole commit's tag stays at what was built of it first.
        assert digest(example, image, head(example)) == digest(example, image, "develop-latest")


def test_what_was_not_in_staging_does_not_go_to_production(
    example: Example, release: dict[str, str]
) -> None:
    before = {image: digest(example, image, "production-latest") for image in IMAGES}
    refused = example.keelway("promote", "v1.4.0", "--to", "production")
    assert refused.code == 6, refused.text()
    assert "has not been in staging" in refused.err
    after = {image: digest(example, image, "production-latest") for image in IMAGES}
    assert after == before
    assert after != release


def test_a_pull_request_is_judged_and_never_published(
    example: Example, cold: Flow, tmp_path: Path
) -> None:
    """Without the key, and with what the pipeline says left out: keelway itself refuses."""
    assert cold.outcomes
    before = {image: tagged(example, image) for image in IMAGES}
    fork: dict[str, Any] = {"repo": {"full_name": "eve/portal"}, "ref": "topic"}
    base = {"repo": {"full_name": "acme/portal"}, "ref": "main"}
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": fork, "base": base}}))
    job = github(example, "pull_request", "refs/pull/7/merge", GITHUB_EVENT_PATH=str(event))
    key = example.folder / ".keelway/demo.key"
    away = key.rename(tmp_path / "demo.key")
    try:
        done = example.keelway("release", "--no-tests", **job)
    finally:
        away.rename(key)
    assert done.code == 0, done.text()
    report = example.report()
    assert report["verdict"]["passed"]
    assert report["published"] is None
    assert {image: tagged(example, image) for image in IMAGES} == before


def test_a_local_build_pushes_nothing(example: Example, cold: Flow) -> None:
    assert cold.outcomes
    before = {image: tagged(example, image) for image in IMAGES}
    for words in (("build",), ("release", "--no-publish", "--no-tests")):
        done = example.keelway(*words)
        assert done.code == 0, done.text()
        assert example.report()["published"] is None
    assert {image: tagged(example, image) for image in IMAGES} == before


def test_another_machine_takes_over_what_was_built(
    example: Example, cold: Flow, tmp_path: Path
) -> None:
    """The other machine is another store: it runs no step of the Dockerfile."""
    assert cold.outcomes
    kept, other = tmp_path / "cache", {"KEELWAY_STORE": str(tmp_path / "store")}
    for line, store in (
        (f"keelway build && keelway-engine cache export {kept}", {}),
        (f"keelway-engine cache import {kept}", other),
        ("keelway build --platform linux/amd64", other),
    ):
        done = example.shell(line, **store)
        assert done.code == 0, done.text()
    steps = example.report()["timings"]["steps"]
    made = [one for one in steps if ": RUN " in one["name"] or ": COPY " in one["name"]]
    assert made
    assert all(one["cached"] for one in made)

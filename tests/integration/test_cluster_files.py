"""The files of the cluster guide: what Kubernetes takes, what fits together, what charts make."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from keelway.dockerfile import parse
from tests.support.missing import given, need

FOLDER = Path(__file__).parents[2] / "ci" / "cluster"
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "cluster.md"
MANIFESTS = sorted(path for path in FOLDER.rglob("*.yaml") if ".values." not in path.name)
VALUES = sorted(FOLDER.rglob("*.values.yaml"))
RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
ENGINES = ("engine-shared", "engine-per-node")
# What engine.json may say of the cache, by Dagger's schema of it.
GC = {"enabled", "maxUsedSpace", "reservedSpace", "minFreeSpace", "sweepSize", "policies"}
SPACE = re.compile(r"[0-9]+(%|GB)")
VERSIONS = ("1.31.0", "1.37.0")
"""Of Kubernetes: an old one that is still in use, and a new one."""


def values(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.values.yaml").read_text())
    return found


def objects(name: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()) if one]


def check(*files: Path, version: str = VERSIONS[-1]) -> None:
    """Hold files against Kubernetes' own schemas; unknown keys are errors."""
    program = need("kubernetes-validate", package="kubernetes-validate")
    words = [program, "--strict", "--quiet", "-k", version, *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def check_pod(spec: dict[str, Any], folder: Path) -> None:
    whole = {"containers": [{"name": "one", "image": "example.com/one"}], **spec}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": whole}
    file = folder / "pod.yaml"
    file.write_text(yaml.safe_dump(pod))
    check(file)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_manifests(version: str) -> None:
    assert {path.name for path in MANIFESTS} == {
        "namespaces.yaml", "network-policy.yaml", "kube-pod-access.yaml",
    }  # fmt: skip
    check(*MANIFESTS, version=version)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_has_room_and_collects_its_garbage(name: str, tmp_path: Path) -> None:
    engine = values(name)["engine"]
    config = json.loads(engine["configJson"])
    assert set(config) == {"logLevel", "security", "gc", "registries"}
    assert config["security"] == {"insecureRootCapabilities": False}
    gc = config["gc"]
    assert set(gc) <= GC
    assert gc["enabled"]
    for key in ("maxUsedSpace", "reservedSpace", "minFreeSpace", "sweepSize"):
        assert SPACE.fullmatch(gc[key]), key
    container = {"name": "one", "image": "example.com/one", "resources": engine["resources"]}
    check_pod(
        {
            "containers": [container],
            "tolerations": engine["tolerations"],
            "nodeSelector": engine["nodeSelector"],
            "terminationGracePeriodSeconds": engine["terminationGracePeriodSeconds"],
        },
        tmp_path,
    )


def test_the_shared_cache_is_smaller_than_its_volume() -> None:
    engine = values("engine-shared")["engine"]
    claim = engine["statefulSet"]["persistentVolumeClaim"]
    assert claim["enabled"]
    # The chart mounts one of the two under the same name.
    assert not engine["hostPath"]["dataVolume"]["enabled"]
    room = int(claim["resources"]["requests"]["storage"].removesuffix("Gi")) * 1.07
    most = int(json.loads(engine["configJson"])["gc"]["maxUsedSpace"].removesuffix("GB"))
    assert most < 0.85 * room


def test_runners_reach_the_engine_and_nobody_else_does() -> None:
    engine = values("engine-shared")
    name, port = engine["fullnameOverride"], engine["engine"]["port"]
    hosts = [
        *(
            one["value"]
            for container in values("github/runners")["template"]["spec"]["containers"]
            for one in container["env"]
            if one["name"] == RUNNER_HOST
        ),
        *(
            one.removeprefix(f"{RUNNER_HOST}=")
            for runner in tomllib.loads(values("gitlab/runner")["runners"]["config"])["runners"]
            for one in runner["environment"]
        ),
        *(
            one["value"]
            for one in values("jenkins/jenkins")["agent"]["envVars"]
            if one["name"] == RUNNER_HOST
        ),
    ]
    assert hosts == [f"tcp://{name}.dagger.svc.cluster.local:{port}"] * 3
    namespaces = {
        one["metadata"]["name"]: one["metadata"]["labels"]
        for one in objects("namespaces")
        if one["kind"] == "Namespace"
    }
    policies = {one["metadata"]["name"]: one["spec"] for one in objects("network-policy")}
    (allowed,) = policies["engine-from-runners"]["ingress"]
    assert [one["port"] for one in allowed["ports"]] == [port]
    (source,) = allowed["from"]
    assert source["namespaceSelector"]["matchLabels"].items() <= namespaces["runners"].items()
    assert not source["namespaceSelector"]["matchLabels"].items() <= namespaces["dagger"].items()
    (to_engine,) = [
        peer
        for rule in policies["runners"]["egress"]
        for peer in rule["to"]
        if "podSelector" in peer
    ]
    assert to_engine["podSelector"]["matchLabels"].items() <= engine["engine"]["labels"].items()
    assert policies["runners"]["ingress"] == []


def test_runners_are_not_privileged_and_come_with_a_job(tmp_path: Path) -> None:
    github = values("github/runners")
    assert github["minRunners"] <= github["maxRunners"]
    check_pod(github["template"]["spec"], tmp_path)
    (gitlab,) = tomllib.loads(values("gitlab/runner")["runners"]["config"])["runners"]
    assert gitlab["executor"] == "kubernetes"
    assert gitlab["kubernetes"]["privileged"] is False
    jenkins = values("jenkins/jenkins")["agent"]
    template = yaml.safe_load(jenkins["yamlTemplate"])
    assert jenkins["podRetention"] == "Never"
    check_pod(template["spec"], tmp_path)
    accounts = {
        github["template"]["spec"]["serviceAccountName"],
        gitlab["kubernetes"]["service_account"],
        jenkins["serviceAccount"],
    }
    made = {one["metadata"]["name"] for one in objects("namespaces") if "Account" in one["kind"]}
    assert accounts == made


def test_the_engine_the_command_line_and_the_guide_have_one_version() -> None:
    texts = [path.read_text() for path in (*VALUES, FOLDER / "Dockerfile", GUIDE)]
    pattern = re.compile(r"(?:dagger-helm --version |DAGGER=|dagger_v)(\d+\.\d+\.\d+)")
    found = [version for text in texts for version in pattern.findall(text)]
    assert len(found) > len(ENGINES)
    assert len(set(found)) == 1, found


def test_the_guide_names_every_file() -> None:
    text = GUIDE.read_text()
    for path in (*MANIFESTS, *VALUES, FOLDER / "Dockerfile"):
        assert path.relative_to(FOLDER.parents[1]).as_posix() in text


def test_the_image_of_agents_is_a_dockerfile() -> None:
    stages = parse((FOLDER / "Dockerfile").read_text()).stages
    assert [stage.base.image for stage in stages] == ["${BASE}"]


@pytest.mark.parametrize(
    ("variable", "chart", "files"),
    [
        ("KEELWAY_TEST_DAGGER_CHART", "", ["engine-shared"]),
        ("KEELWAY_TEST_DAGGER_CHART", "", ["engine-per-node"]),
        ("KEELWAY_TEST_DAGGER_CHART", "", ["engine-shared", "engine-arm64"]),
        ("KEELWAY_TEST_ACTIONS_CHARTS", "gha-runner-scale-set-controller", ["github/controller"]),
        ("KEELWAY_TEST_ACTIONS_CHARTS", "gha-runner-scale-set", ["github/runners"]),
        ("KEELWAY_TEST_GITLAB_CHART", "", ["gitlab/runner"]),
        ("KEELWAY_TEST_JENKINS_CHART", "", ["jenkins/jenkins"]),
    ],
)
def test_the_charts_take_the_values(
    variable: str, chart: str, files: list[str], tmp_path: Path
) -> None:
    folder = given(variable, "chart") / chart
    helm = need("helm", package="helm.sh/helm/v3/cmd/helm")
    named = [word for file in files for word in ("-f", str(FOLDER / f"{file}.values.yaml"))]
    done = subprocess.run(
        [helm, "lint", "--strict", str(folder), *named], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(
        [helm, "template", "one", str(folder), "--namespace", "dagger", *named],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert made
    for number, one in enumerate(made):
        if one["apiVersion"].startswith("actions.github.com/"):
            check_pod(one["spec"]["template"]["spec"], tmp_path)
            continue
        file = tmp_path / f"{number}.yaml"
        file.write_text(yaml.safe_dump(one))
        check(file)

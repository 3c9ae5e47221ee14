"""What `keelway compose config` prints can be loaded again, and gives the same project."""

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from keelway.compose.document import project_document, project_yaml
from keelway.compose.loader import load_project
from keelway.compose.project import Place, Project
from tests.unit.compose import test_merging, test_problems
from tests.unit.compose.conftest import Load, Write

FULL = """\
name: full
services:
  web:
    image: web:$TAG
    build: {context: ./app, args: {A: "$$1"}, ssh: [default], secrets: [one], shm_size: 1g}
    command: sh -c 'echo "$$HOME ${TAG}"'
    entrypoint: []
    environment: {ON: "on", OCTAL: "010", DATE: "2024-01-01", DOLLAR: $$V, EMPTY: "", MANY: "a\\nb"}
    ports: ["80-81:80-81", "127.0.0.1:53:53/udp", "9000-9005:90"]
    expose: ["1"]
    volumes: [./src:/src:ro, "data:/data:nocopy", /anon]
    tmpfs: [/run, "/tmp:size=1m,mode=1777,uid=5,gid=6"]
    depends_on: {db: {condition: service_healthy, restart: true}}
    links: ["db:store"]
    healthcheck: {disable: true}
    networks: {front: {aliases: [www], priority: 3}, default: }
    extra_hosts: {a: [1.1.1.1, "::1"]}
    ulimits: {nofile: 5}
    sysctls: [a=1]
    stop_grace_period: 1m30.5s
    init: false
    deploy: {replicas: 0, resources: {limits: {cpus: "0.5", memory: 64m, pids: 5}}}
    secrets: [{source: one, target: /x, mode: 0440, uid: "1"}]
    configs: [conf]
    labels: {a: $$b}
    develop: {watch: [{path: src, action: sync, target: /src, ignore: [a]}]}
    x-own: {a: [1, "$$2"]}
  db: {image: db, network_mode: none, healthcheck: {test: pg_isready, interval: 500ms, retries: 3}}
  test: {image: test, profiles: [test]}
networks: {front: {internal: true, driver: bridge}, out: {external: true}}
volumes: {data: {labels: {a: 1}}, out: {external: true, name: other}}
secrets: {one: {file: ./one}, two: {environment: TAG}}
configs: {conf: {content: "$$x"}}
x-top: {a: 0o17}
"""


def _without_places(value: Any) -> Any:
    """Return the value without what differs between two files that say the same."""
    if isinstance(value, Place):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _without_places(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, dict):
        return {key: _without_places(one) for key, one in value.items()}
    return [_without_places(one) for one in value] if isinstance(value, tuple) else value


def _comparable(project: Project) -> Any:
    same = replace(project, files=(), notices=(), disabled={}, environment={})
    return _without_places(same)


@pytest.mark.parametrize("text", [FULL, test_merging.BASE, test_problems.SHOP])
@pytest.mark.parametrize("profiles", [[], ["*"]])
def test_it_gives_the_same_project(
    load: Load, write: Write, folder: Path, text: str, profiles: list[str]
) -> None:
    project = load(text, profiles=profiles)
    printed = write("printed.yaml", project_yaml(project))
    again = load_project([printed], folder=folder, environment={}, profiles=profiles)
    assert _comparable(again) == _comparable(project)
    assert project_yaml(again) == project_yaml(project)


def test_the_document_is_resolved(load: Load, folder: Path) -> None:
    document: Any = project_document(load(FULL))
    web = document["services"]["web"]
    assert web["build"]["context"] == f"{folder}/app"
    assert web["deploy"]["resources"]["limits"]["memory"] == str(64 * 1024**2)
    assert (web["stop_grace_period"], web["environment"]["DOLLAR"]) == ("1m30s500ms", "$$V")
    assert document["volumes"]["data"]["name"] == "full_data"


def test_the_yaml_means_the_same_to_other_readers(load: Load) -> None:
    project = load(FULL)
    assert yaml.safe_load(project_yaml(project)) == project_document(project)

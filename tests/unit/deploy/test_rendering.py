"""What is put on a host: each breach is told by name, and nothing is left to chance."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from keelway.compose.loader import load_project
from keelway.deploy.choice import Part, RenderedUnit, Rendering, ServiceChoice
from keelway.deploy.rendering import render, unpinned
from keelway.deploy.unit_file import read_unit_file
from keelway.errors import ConfigError, PlanError
from keelway.model.registry import RegistrySpec

GOLDEN = Path(__file__).parents[2] / "golden" / "deployed.yaml"
WEB = "registry.example.com/orders/web@sha256:" + "a" * 64
POSTGRES = "docker.io/library/postgres@sha256:" + "b" * 64
CHOICE = Rendering(
    target="shop",
    project="orders",
    folder="/srv/orders/releases/7",
    version="1.4.0",
    revision="0123abc",
    images={"web": WEB},
    registries=(RegistrySpec(url="registry.example.com/orders"),),
    pins={"postgres:16.4": POSTGRES},
    secrets=("db_password",),
)
COMPOSE = """\
services:
  web:
    build: .
    ports: ["8080:8080"]
    environment: {DATABASE: "postgres://db/orders", PRICE: "5$$"}
    secrets: [db_password]
    configs: [{source: settings, target: /etc/orders.toml}]
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
    healthcheck: {test: [CMD, wget, -q, "http://127.0.0.1:8080/health"], start_interval: 1s}
    networks: [front, back]
    cpus: 0.5
  migrate:
    image: registry.example.com/orders/web:edge
    command: migrate --all
    networks: [back]
  db:
    image: postgres:16.4
    user: "999"
    volumes: ["data:/var/lib/postgresql/data"]
    tmpfs: [/run/postgresql]
    healthcheck: {test: pg_isready}
    secrets: [{source: db_password, mode: 0444}]
    networks: [back]
    restart: always
    deploy: {resources: {limits: {memory: 1g, cpus: "2", pids: 300}}}
networks: {front: {}, back: {internal: true}}
volumes: {data: {}}
secrets: {db_password: {external: true}}
configs: {settings: {content: "x = 1"}}
"""


def rendered(tmp_path: Path, compose: str, choice: Rendering = CHOICE) -> RenderedUnit:
    file = tmp_path / "compose.yaml"
    file.write_text(compose)
    return render(load_project([file], name="orders", environment={}, root=Path("/")), choice)


def service(keys: str, *, image: str = WEB) -> str:
    return f"services:\n  web:\n    image: {image}\n    {keys}\nvolumes: {{data: {{}}}}\n"


def document(unit: RenderedUnit) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(unit.compose)
    return found


def test_a_project_is_put_on_a_host_as_this_file_says(tmp_path: Path) -> None:
    assert rendered(tmp_path, COMPOSE).compose.decode() == GOLDEN.read_text()


def test_the_specification_of_compose_files_knows_all_of_it(tmp_path: Path) -> None:
    schema = files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json"
    check = jsonschema.Draft7Validator(json.loads(schema.read_text()))
    for part, colour in ((Part.ALL, ""), (Part.SHARED, ""), (Part.COLOUR, "blue")):
        unit = rendered(tmp_path, COMPOSE, replace(CHOICE, part=part, colour=colour))
        assert [error.message for error in check.iter_errors(document(unit))] == []


def test_the_same_input_gives_the_same_bytes_and_no_tag_is_left(tmp_path: Path) -> None:
    one, other = rendered(tmp_path, COMPOSE), rendered(tmp_path, COMPOSE)
    assert one == other
    images = [found["image"] for found in document(one)["services"].values()]
    assert images == [WEB, WEB, POSTGRES]
    assert one.images == (WEB, POSTGRES)


def test_what_was_decided_for_the_user_is_told(tmp_path: Path) -> None:
    assert rendered(tmp_path, COMPOSE).told == (
        "web: no limit is written, so it gets memory 512 MiB, pids 256",
        "migrate: no limit is written, so it gets cpus 1, memory 512 MiB, pids 256",
    )


def test_secrets_are_for_their_service_alone_whatever_the_file_says(tmp_path: Path) -> None:
    found = rendered(tmp_path, COMPOSE).secrets
    assert [(one.path, oct(one.mode)) for one in found] == [
        ("secrets/web/db_password", "0o400"),
        ("secrets/db/db_password", "0o400"),
    ]


def test_a_colour_has_its_services_its_networks_and_ports_of_the_loopback(tmp_path: Path) -> None:
    choice = replace(
        CHOICE, part=Part.COLOUR, colour="blue", project="orders-blue", ports={("web", 8080): 18080}
    )
    found = document(rendered(tmp_path, COMPOSE, choice))
    assert list(found["services"]) == ["web", "migrate"]
    web = found["services"]["web"]
    assert web["environment"]["DEPLOYMENT_COLOR"] == "blue"
    assert web["ports"] == ["127.0.0.1:18080:8080/tcp"]
    assert list(web["depends_on"]) == ["migrate"]
    assert found["networks"] == {
        "front": {"name": "orders_front-blue", "external": True},
        "back": {"name": "orders_back-blue", "external": True},
    }


def test_a_port_of_the_proxy_need_not_be_in_the_compose_file(tmp_path: Path) -> None:
    colour = replace(
        CHOICE, part=Part.COLOUR, colour="green", project="orders-green", ports={("web", 9090): 18}
    )
    web = document(rendered(tmp_path, COMPOSE, colour))["services"]["web"]
    assert "127.0.0.1:18:9090/tcp" in web["ports"]


def test_what_colours_share_is_in_the_networks_of_both(tmp_path: Path) -> None:
    choice = replace(CHOICE, part=Part.SHARED)
    unit = rendered(tmp_path, COMPOSE, choice)
    found = document(unit)
    assert list(found["services"]) == ["db"]
    assert list(found["services"]["db"]["networks"]) == ["back", "back-blue", "back-green"]
    assert found["volumes"] == {"data": {"name": "orders_data", "external": True}}
    note = read_unit_file(unit.compose).note
    assert note.volumes == ("orders_data",)
    assert note.networks["orders_back-green"] is True
    # A new release leaves it alone: nothing of it says which one it is.
    other = rendered(tmp_path, COMPOSE, replace(choice, version="2.0.0", revision="f"))
    assert document(other)["services"] == found["services"]


def test_images_that_nobody_pinned_are_named_for_whoever_deploys(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE)
    project = load_project([file], name="orders", environment={}, root=Path("/"))
    assert unpinned(project, CHOICE) == ("postgres:16.4",)
    with pytest.raises(ConfigError, match="whatever the registry has at the time"):
        render(project, replace(CHOICE, pins={}))


BREACHES = {
    "privileged: true": ("privileged", "privileged"),
    "network_mode: host": ("network_mode", "host-network"),
    "user: root": ("user", "root"),
    'user: "0:1000"': ("user", "root"),
    "cap_add: [CAP_NET_BIND_SERVICE]": ("cap_add", "cap_add:NET_BIND_SERVICE"),
    "security_opt: [seccomp=unconfined]": ("security_opt", "security_opt:seccomp=unconfined"),
    'security_opt: ["no-new-privileges:false"]': (
        "security_opt",
        "security_opt:no-new-privileges:false",
    ),
    'volumes: ["/etc/localtime:/etc/localtime:ro"]': ("volumes", "bind:/etc/localtime"),
    'volumes: ["/var/run/docker.sock:/var/run/docker.sock"]': ("volumes", "docker-socket"),
    "environment: {API_TOKEN: abcdef}": ("environment.API_TOKEN", "environment:API_TOKEN"),
}


@pytest.mark.parametrize("keys", BREACHES)
def test_each_breach_names_its_place_and_the_way_out(tmp_path: Path, keys: str) -> None:
    key, what = BREACHES[keys]
    with pytest.raises(ConfigError) as caught:
        rendered(tmp_path, service(keys))
    (problem,) = caught.value.problems
    assert problem.file.endswith("compose.yaml")
    assert problem.line in {2, 4}
    assert problem.key == f"services.web.{key}"
    assert f'[deploy.shop.services.web] allow = [{{ what = "{what}"' in problem.text
    allowed = replace(CHOICE, services={"web": ServiceChoice(allow={what: "it has to"})})
    unit = rendered(tmp_path, service(keys), allowed)
    assert f"web: may {what}: it has to" in unit.told
    assert not [line for line in unit.told if "not needed" in line]


@pytest.mark.parametrize(
    ("compose", "told"),
    [
        (service("volumes: [/data]"), "what is written to /data is lost without a name"),
        (service("secrets: [tokn]") + "secrets: {tokn: {external: true}}\n", "no source"),
        ("services: {api: {build: .}}\n", "nothing is built on a host"),
        (service("links: [db]") + "x-more: 1\n", "there is no service 'db'"),
        (
            service("configs: [c]") + "configs: {c: {external: true}}\n",
            "the config c is external",
        ),
        (
            service("volumes: [{type: volume, source: data, target: /d, volume: {subpath: x}}]"),
            "a part of a volume cannot be mounted",
        ),
    ],
)
def test_what_nothing_allows(tmp_path: Path, compose: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        rendered(tmp_path, compose)


def test_all_breaches_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        rendered(tmp_path, service("privileged: true\n    user: root\n    cap_add: [ALL]"))
    assert [problem.key for problem in caught.value.problems] == [
        "services.web.cap_add",
        "services.web.privileged",
        "services.web.user",
    ]


def test_what_is_allowed_and_not_needed_is_told(tmp_path: Path) -> None:
    choice = replace(CHOICE, services={"web": ServiceChoice(allow={"privileged": "never mind"})})
    told = rendered(tmp_path, service("init: true"), choice).told
    assert "web: allow = 'privileged' is not needed: take it out" in told


def test_a_misspelt_service_of_the_configuration_is_told(tmp_path: Path) -> None:
    choice = replace(CHOICE, services={"wbe": ServiceChoice()})
    with pytest.raises(PlanError) as caught:
        rendered(tmp_path, service("init: true"), choice)
    assert caught.value.next_step == "did you mean 'web'?"


def test_scratch_folders_and_limits_of_the_configuration_go_first(tmp_path: Path) -> None:
    own = ServiceChoice(scratch=("/var/cache",), cpus=0.25, memory=1 << 20, pids=9)
    unit = rendered(tmp_path, service("cpus: 3"), replace(CHOICE, services={"web": own}))
    web = document(unit)["services"]["web"]
    assert (web["cpus"], web["mem_limit"], web["pids_limit"]) == (0.25, 1 << 20, 9)
    assert [one.partition(":")[0] for one in web["tmpfs"]] == ["/tmp", "/var/cache"]
    assert web["read_only"] is True

"""What Docker and Podman answer, read without their tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from keelway._tools.compose_program import ComposeProgram, parse_version, up_argv
from keelway._tools.container_engine import (
    merge_logs,
    parse_containers,
    parse_engine_version,
    parse_free_bytes,
    parse_image_digests,
)
from keelway.errors import ToolOutputError


def inspected(**state: Any) -> dict[str, Any]:
    return {
        "Id": "c1",
        "Image": "sha256:11",
        "State": {"Status": "running", "ExitCode": 0, **state},
        "Config": {
            "Image": "localhost:5000/web@sha256:22",
            "Labels": {"com.docker.compose.service": "web"},
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000},
        },
        "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
        "NetworkSettings": {
            "Ports": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}], "9/tcp": None}
        },
        "RestartCount": 2,
    }


def test_a_container_is_read_whole() -> None:
    log = [{"ExitCode": 1, "Output": "refused\n"}]
    health = {"Status": "unhealthy", "Log": log}
    (state,) = parse_containers(json.dumps([inspected(Health=health)]))
    assert (state.service, state.status, state.health) == ("web", "running", "unhealthy")
    assert state.health_log == ("exit code 1: refused",)
    assert state.ports == ((8080, "127.0.0.1", 49153),)
    assert (state.restarts, state.restart_policy) == (2, "unless-stopped")
    assert state.health_interval_s == 5


def test_podman_says_nothing_of_health_before_the_first_check() -> None:
    (state,) = parse_containers(json.dumps([inspected(Health={"Status": "", "Log": None})]))
    assert state.health == "starting"


def test_a_health_check_that_is_switched_off_is_none() -> None:
    answer = inspected()
    answer["Config"]["Healthcheck"] = {"Test": ["NONE"]}
    (state,) = parse_containers(json.dumps([answer]))
    assert state.health is None


def test_podman_under_the_name_of_docker_is_not_docker() -> None:
    said = '{"Client": {"APIVersion": "4.3.1", "Version": "4.3.1"}}'
    assert parse_engine_version(said, "docker") is None
    assert parse_engine_version(said, "podman") == "4.3.1"
    answer = '{"Client": {"Version": "28"}, "Server": {"ApiVersion": "1.41", "Version": "20.10"}}'
    assert parse_engine_version(answer, "docker") == "20.10"
    assert parse_engine_version("podman version 4", "podman") is None


def test_ids_of_images_are_the_same_with_and_without_their_algorithm() -> None:
    answers = [{"Id": "sha256:11", "RepoDigests": ["a@sha256:22"]}, {"Id": "33"}]
    assert parse_image_digests(json.dumps(answers)) == {"11": ("a@sha256:22",), "33": ()}


@pytest.mark.parametrize("text", ["{", '[{"Id": 1}]', "[[]]"])
def test_other_answers_are_errors(text: str) -> None:
    with pytest.raises(ToolOutputError):
        parse_containers(text)


def test_both_streams_of_a_log_are_put_in_order() -> None:
    out = "2026-01-01T00:00:01.0Z one\n2026-01-01T00:00:03.0Z three\n"
    err = "2026-01-01T00:00:02.0Z two\nlog line without a time\n"
    assert merge_logs(out, err) == "one\ntwo\nthree"


def test_free_space_is_read_from_the_end_of_the_row() -> None:
    text = "Filesystem 1024-blocks Used Available Capacity Mounted on\na b 100 40 60 40% /x\n"
    assert parse_free_bytes(text) == 60 * 1024


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (
            ComposeProgram(kind="standalone", words=("docker-compose",), version="1.29.2"),
            "docker-compose --project-name orders --file /srv/o/compose.yaml --project-directory",
        ),
        (
            ComposeProgram(kind="podman-compose", words=("podman-compose",), version="1.6.0"),
            "podman-compose --in-pod false --project-name orders --file /srv/o/compose.yaml up",
        ),
    ],
)
def test_what_brings_a_project_up(program: ComposeProgram, expected: str) -> None:
    words = " ".join(up_argv(program, "orders", "/srv/o", ["web"]))
    assert words.startswith(expected)
    assert words.endswith("up --detach --no-build --remove-orphans web")


def test_versions_are_found_in_what_programs_say() -> None:
    said = "podman-compose version 1.6.0\npodman version 4.3.1"
    assert parse_version(said) == "1.6.0"
    assert parse_version("v2.29") == "2.29"
    assert parse_version("?") == "?"

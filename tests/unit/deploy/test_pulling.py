"""What is typed to bring an image to a host, and the file by which it logs in."""

from __future__ import annotations

import base64
import json

import pytest

from keelway.deploy.pulling import RegistryLogin, login_file, pull_argv

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("engine", "host", "plain"),
    [
        ("podman", "127.0.0.1:5000", True),
        ("podman", "localhost:5000", True),
        ("podman", "registry.example.com", False),
        ("docker", "127.0.0.1:5000", False),  # dockerd needs no telling
    ],
)
def test_only_podman_is_told_that_the_loopback_has_no_tls(
    engine: str, host: str, *, plain: bool
) -> None:
    words = pull_argv(engine, f"{host}/orders@{DIGEST}")
    assert ("--tls-verify=false" in words) is plain
    assert words[-1] == f"{host}/orders@{DIGEST}"


def test_docker_hub_has_a_name_of_its_own_in_a_login_file() -> None:
    login = RegistryLogin(registry="docker.io", username="ci", password="correct horse")
    auths = json.loads(login_file([login]))["auths"]
    assert list(auths) == ["https://index.docker.io/v1/"]
    assert base64.b64decode(auths["https://index.docker.io/v1/"]["auth"]) == b"ci:correct horse"
    assert "correct horse" not in repr(login)

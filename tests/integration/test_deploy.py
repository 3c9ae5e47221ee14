"""`keelway deploy` to three hosts behind a real sshd, whose services a real Docker runs.

The hosts are folders of this machine: each has its own releases, lock, history, and containers.
"""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.deployed import PORT, push_service
from tests.support.missing import need
from tests.support.projects import Project
from tests.support.runtimes import running_docker
from tests.support.ssh_server import new_key, ssh_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.projects import Outcome
    from tests.support.registry import Registry
    from tests.support.runtimes import RunningRuntime
    from tests.support.ssh_server import SshServer

SECRET = "correct horse battery staple"  # noqa: S105 - nobody's
# On one of the hosts the second version finds out that it is no good.
COMPOSE = f"""\
services:
  web:
    image: {{registry}}/deployed/web
    environment: {{{{ AT: "${{{{COMPOSE_PROJECT_NAME}}}}" }}}}
    ports: ["127.0.0.1::{PORT}"]
    secrets: [token]
    healthcheck:
      test: case $$AT$$VERSION in two*2) echo no database; exit 1;; esac; wget -q -O /dev/null http://127.0.0.1:{PORT}/health
      interval: 500ms
      timeout: 10s
      retries: 3
secrets: {{{{ token: {{{{ external: true }}}} }}}}
"""
CONFIG = """\
[project]
name = "shop"
[images.web]
[[registries]]
url = "{registry}/deployed"
[deploy.web]
kind = "compose"
environment = "production"
hosts = [{hosts}]
folder = "/unused"
require_verified = false
health_timeout_s = 60
min_free_mb = 1
known_hosts = "{known_hosts}"
ssh_key = "file://{key}"
[deploy.web.secrets]
token = "env://TOKEN"
[deploy.checked]
kind = "compose"
hosts = ["local:{folder}/checked"]
folder = "/unused"
[sign]
public_key = "key.pub"
"""


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRuntime]:
    need("docker-compose", package="docker-compose")
    with running_docker(tmp_path_factory.mktemp("docker")) as engine:
        yield engine


@pytest.fixture(scope="module")
def server(docker: RunningRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    folder = tmp_path_factory.mktemp("sshd")
    # At this level bash does not read its owner's own start-up file, which may take a second.
    with ssh_server(folder, {**docker.environment, "SHLVL": "5"}) as running:
        (folder / "known_hosts").write_text(running.known_hosts)
        yield running


@pytest.fixture(scope="module")
def images(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> None:
    work = tmp_path_factory.mktemp("images")
    for version in ("1", "2"):
        push_service(registry, work, "deployed/web", version)


class Shop:
    """The project, its three hosts, and what runs there."""

    def __init__(self, project: Project, docker: RunningRuntime, folders: list[Path]) -> None:
        self.project = project
        self.docker = docker
        self.folders = folders

    def only_on(self, number: int) -> None:
        """Leave out all hosts but the first ones."""
        file = self.project.folder / "keelway.toml"
        text = file.read_text()
        for folder in self.folders[number:]:
            before, _, after = text.partition(f'{folder}"')
            text = f"{before.rpartition(', ')[0]}{after}"
        file.write_text(text)
        del self.folders[number:]

    def deployed(self, version: str) -> Outcome:
        done = self.project.keelway("deploy", version, "--to", "web")
        assert done.code == 0, done.err
        return done

    def serving(self) -> list[str]:
        """Return the version that each host's service answers with."""
        return [self._asked(folder.name) for folder in self.folders]

    def _asked(self, name: str) -> str:
        found = self.docker.command(
            "ps", "--quiet", "--filter", f"label=com.docker.compose.project={name}"
        ).split()
        if not found:
            return "nothing"
        words = ("wget", "-q", "-O", "-", f"http://127.0.0.1:{PORT}/")
        return self.docker.command("exec", found[0], *words).strip()

    def journal(self) -> dict[str, object] | None:
        """Return what the first host says is being done."""
        try:
            found: dict[str, object] = json.loads((self.folders[0] / "journal.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return found

    def history(self) -> list[tuple[str, str, str]]:
        done = self.project.keelway("history", "web", "--json")
        assert done.code == 0, done.err
        events = json.loads(done.out)["events"]
        assert all(len(one["known_on"]) == len(self.folders) for one in events), events
        return [(one["event"], one["version"], one["outcome"]) for one in events]


@pytest.fixture
def shop(
    docker: RunningRuntime,
    server: SshServer,
    registry: Registry,
    images: None,
    tmp_path: Path,
    nonce: str,
) -> Iterator[Shop]:
    del images
    folders = [tmp_path / "srv" / f"{name}-{nonce[:8]}" for name in ("one", "two", "three")]
    project = Project(folder=tmp_path / "shop", environment={**docker.environment, "TOKEN": SECRET})
    project.write(
        {
            "compose.yaml": COMPOSE.format(registry=registry.address),
            "keelway.toml": CONFIG.format(
                registry=registry.address,
                hosts=", ".join(f'"{server.url}{folder}"' for folder in folders),
                known_hosts=server.key.parent / "known_hosts",
                key=server.key,
                folder=tmp_path,
            ),
        }
    )
    yield Shop(project, docker, folders)
    ids = docker.command("ps", "--all", "--quiet").split()
    if ids:
        docker.command("rm", "--force", *ids)


def test_a_release_that_is_bad_on_host_two_ends_with_the_old_one_on_all(shop: Shop) -> None:
    done = shop.deployed("1")
    assert shop.serving() == ["1"] * 3
    released = (shop.folders[0] / "current" / "compose.yaml").read_text()
    assert "@sha256:" in released
    assert shop.folders[0].stat().st_mode & 0o777 == 0o700

    bad = shop.project.keelway("deploy", "2", "--to", "web")
    assert bad.code == 7, bad.err
    assert "2 failed; 1 serves again on all hosts" in bad.err
    assert "no database" in bad.err
    assert shop.serving() == ["1"] * 3
    assert shop.history() == [
        ("deploy", "1", "started"), ("deploy", "1", "succeeded"),
        ("deploy", "2", "started"), ("deploy", "2", "rolled-back"),
    ]  # fmt: skip
    written = "".join((one / "deployment_history.log").read_text() for one in shop.folders)
    assert SECRET not in released + written + done.out + done.err + bad.out + bad.err


def test_what_runs_unchanged_is_left_alone_and_a_new_secret_is_not(shop: Shop) -> None:
    shop.only_on(1)
    shop.deployed("1")
    before = shop.docker.command("ps", "--all", "--quiet", "--no-trunc")
    again = shop.project.keelway("deploy", "1", "--to", "web")
    assert again.code == 0, again.err
    assert "1 runs already, unchanged and well: nothing to do" in again.err
    assert shop.docker.command("ps", "--all", "--quiet", "--no-trunc") == before
    assert shop.history()[2:] == [("deploy", "1", "succeeded")]
    assert "it ran already, unchanged" in shop.project.keelway("history", "web").out

    rotated = shop.project.keelway("deploy", "1", "--to", "web", TOKEN="another battery staple")
    assert rotated.code == 0, rotated.err
    assert shop.docker.command("ps", "--all", "--quiet", "--no-trunc") != before
    container = shop.docker.command("ps", "--quiet")
    shop.docker.command("rm", "--force", container)
    repaired = shop.project.keelway("deploy", "1", "--to", "web", TOKEN="another battery staple")
    assert repaired.code == 0, repaired.err
    assert shop.serving() == ["1"]


def test_whoever_deploys_is_killed_in_the_middle(shop: Shop) -> None:
    shop.only_on(1)
    shop.deployed("1")
    with shop.project.keelway_started("deploy", "2", "--to", "web") as process:
        deadline = time.monotonic() + 120
        while (shop.journal() or {}).get("phase") != "bringing":
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
    refused = shop.project.keelway("deploy", "2", "--to", "web")
    assert refused.code == 5
    assert "deploying 2 since" in refused.err
    assert "keelway unlock web --reason" in refused.err
    unlocked = shop.project.keelway("unlock", "web", "--reason", "its machine is gone")
    assert unlocked.out.count("was locked by") == 1, unlocked.err
    repaired = shop.project.keelway("rollback", "web")
    assert repaired.code == 0, repaired.err
    assert shop.serving() == ["1"]
    assert ("deploy", "2", "rolled-back") in shop.history()
    shop.deployed("2")
    back = shop.project.keelway("rollback", "web", "--now", "--reason", "customers complain")
    assert back.code == 0, back.err
    assert shop.serving() == ["1"]
    assert "customers complain" in shop.project.keelway("history", "web").out


def test_what_does_not_verify_is_refused_and_no_host_is_touched(shop: Shop, tmp_path: Path) -> None:
    need("ssh-keygen", package="openssh-client")
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - for one test
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - for one test

    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(serialization.Encoding.PEM, form)
    (shop.project.folder / "key.pub").write_bytes(pem)
    refused = shop.project.keelway("deploy", "1", "--to", "checked")
    assert refused.code == 6, refused.err
    assert "does not verify" in refused.err
    told = (tmp_path / "checked" / "deployment_history.log").read_text().splitlines()
    assert [json.loads(one)["outcome"] for one in told] == ["failed"]
    assert "refused: " in json.loads(told[0])["reason"]
    assert [one.name for one in (tmp_path / "checked").iterdir()] == ["deployment_history.log"]


def test_a_missing_secret_or_a_changed_host_key_touches_nothing(
    shop: Shop, server: SshServer, tmp_path: Path
) -> None:
    missing = shop.project.keelway("deploy", "1", "--to", "web", TOKEN="")
    assert missing.code == 3, missing.err
    assert "TOKEN is not set" in missing.err
    other = new_key(tmp_path / "other").with_suffix(".pub").read_text().split()
    known = server.key.parent / "known_hosts"
    before = known.read_text()
    known.write_text(f"{before.split()[0]} {other[0]} {other[1]}\n")
    try:
        refused = shop.project.keelway("deploy", "1", "--to", "web")
    finally:
        known.write_text(before)
    assert refused.code == 5
    assert f"{known}:1" in refused.err
    assert not any(folder.exists() for folder in shop.folders)

"""How a plan is shown."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keelway._cli.plan_view import plan_data, plan_text
from keelway.config import Loaded, load_config, render_lock
from keelway.config.lock import Pin
from keelway.facts import Commit, Facts
from keelway.planning import plan_release

CONFIG = """\
[project]
name = "shop"

[images.orders]
context = "orders"
target = "runtime"
build_args = { APP_VERSION = "1.4.0" }
bases = { PYTHON_BASE = "python" }
[[images.orders.secrets]]
id = "pip-token"
source = "env://PIP_TOKEN"

[images.worker]
platforms = ["linux/amd64"]

[tags]
rules = ["type=sha", "type=ref,event=branch", "type=ref,event=tag"]

[[registries]]
url = "localhost:5000/demo"
username = "ci"
password = "env://PASSWORD"
[[registries]]
url = "registry.example.com"

[scan]
scanners = ["vuln", "secret"]
database = "none"

[sign]
enabled = true
key = "env://COSIGN_KEY"

[base.python]
suite = "bookworm"
packages = ["python3"]
repository = "localhost:5000/demo/base-python"
"""

RULES = (
    "base-pinned, no-latest, user-not-root, healthcheck, no-secret-arguments, no-secret-files, "
    "starts, health-in-time, health-detects, health-stops, budget"
)
GATE = "high or worse findings of kind misconfiguration, secret, vulnerability; known exploited"
GATE += "; failed tests"
PINNED = f"localhost:5000/demo/base-python@sha256:{'0' * 64}"

TEXT = f"""\
shop (keelway.toml)
  commit      0123456789abcdef0123456789abcdef01234567, branch main
  epoch       1767312000 (the commit's time)

image orders
  context     orders
  dockerfile  Dockerfile
  target      runtime
  platforms   linux/amd64, linux/arm64
  args        APP_VERSION=1.4.0
  bases       PYTHON_BASE={PINNED}
  secrets     pip-token from env://PIP_TOKEN
  tags        localhost:5000/demo/orders:main
              localhost:5000/demo/orders:sha-0123456
              registry.example.com/orders:main
              registry.example.com/orders:sha-0123456

image worker
  context     .
  dockerfile  Dockerfile
  target      the last stage
  platforms   linux/amd64
  tags        localhost:5000/demo/worker:main
              localhost:5000/demo/worker:sha-0123456
              registry.example.com/worker:main
              registry.example.com/worker:sha-0123456

engines
  linux/amd64 local: by itself
  linux/arm64 local: emulated: qemu-aarch64

policy
  refuses     {RULES}
  warns       no-package-manager, hadolint

scan by trivy (host)
  scanners    secret
  database    none

sbom by syft (host)
  formats     spdx-json, cyclonedx-json

gate
  refuses     {GATE}

publish
  tags        main, sha-0123456
  registries  localhost:5000/demo as ci
              registry.example.com

sign by cosign (host)
  signer      key env://COSIGN_KEY
  layouts     referrer

attest
  statements  provenance, spdx, cyclonedx, vulnerabilities, openvex, test-result, summary
  builder     urn:keelway:builder:local

skipped
  scan, in part: vulnerabilities were not looked for: scan.database is "none"
  integration: no integration test suite is configured
  load: no load test is configured: load.script and load.probe are absent
  tag by type=ref,event=tag: the commit has no git tag"""


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that emulates what is not its own, whichever runs the tests."""
    how = {"linux/amd64": "by itself", "linux/arm64": "emulated: qemu-aarch64"}
    monkeypatch.setattr("keelway._cli.plan_engines.how_it_runs", how.get)


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """The configuration above, with its lock file."""
    (tmp_path / "keelway.toml").write_text(CONFIG)
    (tmp_path / "keelway.lock").write_text(render_lock({"python": Pin(reference=PINNED)}))
    return load_config(tmp_path)


TOOLS = ("trivy", "syft", "cosign", "busybox", "hadolint")


def facts(loaded: Loaded, *, commit: Commit | None) -> Facts:
    """Return facts of a machine that has everything."""
    return Facts(
        root=loaded.root,
        commit=commit,
        no_commit_reason="git is not installed",
        epoch=None if commit is None else 1_767_312_000,
        epoch_source="the commit's time" if commit else "neither SOURCE_DATE_EPOCH nor a commit",
        variables=frozenset({"PIP_TOKEN", "PASSWORD", "COSIGN_KEY"}),
        programs={name: Path("/opt") / name for name in TOOLS},
        pins=loaded.pins,
    )


def commit(*, dirty: bool = False, branch: str | None = "main") -> Commit:
    """Return a commit."""
    return Commit(
        sha="0123456789abcdef0123456789abcdef01234567",
        committed_at=datetime(2026, 1, 2, tzinfo=UTC),
        branch=branch,
        dirty=dirty,
    )


def test_everything_is_shown(loaded: Loaded) -> None:
    known = facts(loaded, commit=commit())
    data = plan_data(loaded, known, plan_release(loaded.config, known))
    assert plan_text(data) == TEXT


def test_the_same_as_data(loaded: Loaded) -> None:
    known = facts(loaded, commit=commit(dirty=True, branch=None))
    data = plan_data(loaded, known, plan_release(loaded.config, known))
    assert data["schema"] == "keelway.plan/1"
    assert data["commit"]["dirty"] is True
    assert data["images"][0]["bases"] == {"PYTHON_BASE": PINNED}
    assert data["images"][0]["build_args"] == {"APP_VERSION": "1.4.0"}
    assert data["images"][0]["secrets"] == {"pip-token": "env://PIP_TOKEN"}
    assert data["publish"]["tags"] == ["sha-0123456-dirty"]
    assert "detached, with changes that are not committed" in plan_text(data)


def test_without_git_and_without_publishing(loaded: Loaded) -> None:
    known = facts(loaded, commit=None)
    plan = plan_release(loaded.config, known, without={"publish": "--no-publish was given"})
    data = plan_data(loaded, known, plan)
    assert data["commit"] is None
    assert data["publish"] is None
    assert data["images"][0]["references"] == []
    text = plan_text(data)
    assert "commit      none: git is not installed" in text
    assert "epoch       none: neither SOURCE_DATE_EPOCH nor a commit" in text
    assert "publish: --no-publish was given" in text


@pytest.mark.parametrize("source", ["cmd://echo hunter2secretvalue", "cmd://hunter2secretvalue"])
def test_a_secret_in_an_address_is_not_shown(tmp_path: Path, source: str) -> None:
    (tmp_path / "keelway.toml").write_text(
        CONFIG.replace("env://PIP_TOKEN", source).replace("env://PASSWORD", source)
    )
    (tmp_path / "keelway.lock").write_text(render_lock({"python": Pin(reference=PINNED)}))
    loaded = load_config(tmp_path)
    known = facts(loaded, commit=commit())
    data = plan_data(loaded, known, plan_release(loaded.config, known))
    assert "pip-token from cmd://" in plan_text(data)
    assert "hunter2" not in json.dumps(data) + plan_text(data).replace("cmd://hun...", "")

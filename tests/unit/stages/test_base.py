"""Base images: what is planned, what is made of mmdebstrap's answer, what is published."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keelway._tools.apt_sources import AptSource
from keelway.config import BaseConfig, Config, ImageConfig, ProjectConfig, RegistryConfig
from keelway.config.lock import Pin
from keelway.errors import PlanError, ToolError
from keelway.facts import Facts, find_job
from keelway.model.outcome import Skipped
from keelway.stages.base import BaseSpec, make_base, plan_base

if TYPE_CHECKING:
    from keelway._stage import Run
    from tests.support.recording import RecordingEngine

DIGEST = "sha256:" + "a" * 64
SOURCE = AptSource(uri="http://mirror.example/debian", suite="bookworm", components=("main",))


def _config(base: BaseConfig, *registries: RegistryConfig) -> Config:
    return Config(
        project=ProjectConfig(name="shop"),
        images={"shop": ImageConfig()},
        base={"python": base},
        registries=registries,
    )


def _written(**changes: object) -> BaseConfig:
    settings = {"suite": "bookworm", "packages": ("python3",), "repository": "localhost:5000/py"}
    return BaseConfig.model_validate(settings | changes)


def _facts(**changes: object) -> Facts:
    return Facts(programs={"mmdebstrap": Path("/usr/bin/mmdebstrap")}, **changes)  # type: ignore[arg-type] # the tests know what they give


def _spec(plan: BaseSpec | Skipped) -> BaseSpec:
    assert isinstance(plan, BaseSpec)
    return plan


def test_the_machines_own_sources_are_used_when_they_serve_the_suite() -> None:
    spec = _spec(plan_base("python", _config(_written()), _facts(), [SOURCE]))
    assert spec.sources == ("deb http://mirror.example/debian bookworm main",)
    other = _spec(plan_base("python", _config(_written(suite="trixie")), _facts(), [SOURCE]))
    assert other.sources == ()
    mirrored = _config(_written(mirror="http://m.example/debian"))
    assert _spec(plan_base("python", mirrored, _facts(), [SOURCE])).sources == ()


def test_a_pull_request_of_a_fork_publishes_no_base_image() -> None:
    environ = {"JENKINS_URL": "x", "CHANGE_ID": "15", "CHANGE_FORK": "eve"}
    with pytest.raises(PlanError, match="pull request 15 comes from a fork"):
        plan_base("python", _config(_written()), _facts(job=find_job(environ)))


def test_unchanged_inputs_are_skipped_unless_it_is_wanted_again() -> None:
    config = _config(_written())
    inputs = _spec(plan_base("python", config, _facts())).inputs()
    pins = {"python": Pin(reference=f"localhost:5000/py@{DIGEST}", inputs=inputs)}
    skipped = plan_base("python", config, _facts(pins=pins), [SOURCE])
    assert isinstance(skipped, Skipped)
    assert DIGEST in skipped.reason
    assert isinstance(plan_base("python", config, _facts(pins=pins), again=True), BaseSpec)
    changed = _config(_written(packages=("python3", "dash")))
    assert isinstance(plan_base("python", changed, _facts(pins=pins)), BaseSpec)


@pytest.mark.parametrize(
    "change",
    [
        {"suite": "trixie"},
        {"packages": ("python3", "dash")},
        {"platforms": ("linux/amd64",)},
        {"mirror": "http://m.example/debian"},
        {"epoch": 5},
        {"leave_out": ("usr/share/javascript",)},
        {"repository": "localhost:5000/other"},
    ],
)
def test_every_input_counts(change: dict[str, object]) -> None:
    plain = _spec(plan_base("python", _config(_written()), _facts())).inputs()
    changed = _spec(plan_base("python", _config(_written(**change)), _facts())).inputs()
    assert plain != changed


def test_the_order_of_packages_does_not_count() -> None:
    one = _spec(plan_base("python", _config(_written(packages=("a", "b"))), _facts()))
    two = _spec(plan_base("python", _config(_written(packages=("b", "a"))), _facts()))
    assert one.inputs() == two.inputs()


def test_the_login_is_that_of_the_registry_on_the_same_host() -> None:
    login = {"username": "ci", "password": "env://PASSWORD"}
    other = RegistryConfig.model_validate({"url": "ghcr.io/x", **login, "username": "a"})
    same = RegistryConfig.model_validate({"url": "localhost:5000/demo", **login})
    facts = _facts(variables=frozenset({"PASSWORD"}))
    spec = _spec(plan_base("python", _config(_written(), other, same), facts))
    assert spec.login is not None
    assert (spec.login.username, spec.login.password) == ("ci", "env://PASSWORD")


def test_an_unknown_name_and_a_missing_program_are_said() -> None:
    with pytest.raises(PlanError, match="no base image 'pyton'") as unknown:
        plan_base("pyton", _config(_written()), _facts())
    assert "python" in unknown.value.diagnostics()
    with pytest.raises(PlanError, match="mmdebstrap") as missing:
        plan_base("python", _config(_written()), Facts())
    assert "apt-get install mmdebstrap" in missing.value.diagnostics()


# Stands for mmdebstrap: writes a tar file of one file where it is told to, or complains.
FAKE = """#!/bin/sh
for word; do
  case "$word" in
    --include=broken)
      echo 'I: trying' >&2
      echo 'E: Unable to locate package broken' >&2
      exit 25 ;;
    */*.tar) target="$word" ;;
  esac
done
mkdir -p "$TMPDIR/fake/usr/bin" && echo tool > "$TMPDIR/fake/usr/bin/tool"
tar -C "$TMPDIR/fake" -cf "$target" .
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give an environment in which mmdebstrap is the fake one."""
    program = tmp_path / "mmdebstrap"
    program.write_text(FAKE)
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


async def test_one_index_is_published_and_pinned_by_digest(
    run: Run, engine: RecordingEngine, environment: dict[str, str]
) -> None:
    engine.answer("publish", f"localhost:5000/py:bookworm@{DIGEST}")
    spec = BaseSpec(name="python", packages=("python3",), repository="localhost:5000/py")
    image = await make_base(run, spec, environment)
    assert image.reference == f"localhost:5000/py@{DIGEST}"
    assert image.inputs == spec.inputs()
    assert [variant.platform for variant in image.variants] == ["linux/amd64", "linux/arm64"]
    (push,) = engine.asked("publish")
    assert "localhost:5000/py:bookworm" in push.text
    for platform in ("linux/amd64", "linux/arm64"):
        assert platform in push.text
        assert f"{platform.replace('/', '-')}.oci.tar" in push.text


async def test_what_mmdebstrap_complains_of_is_told(run: Run, environment: dict[str, str]) -> None:
    spec = BaseSpec(name="python", packages=("broken",), repository="localhost:5000/py")
    with pytest.raises(ToolError) as raised:
        await make_base(run, spec, environment)
    text = raised.value.diagnostics()
    assert "Unable to locate package broken" in text
    assert "exit code: 25" in text
    assert "I: trying" not in text
    assert "chroot" not in text  # the hooks are ours, and long

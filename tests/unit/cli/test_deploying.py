"""What the commands that deploy understand, and how they show what was done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from keelway._cli.deploying import Asked, needs_engine, planned, wanted_release
from keelway._cli.history_view import history_table
from keelway._cli.plan_deploy import deploy_lines
from keelway._targets import HostsTarget
from keelway.config import ImageConfig, load_config
from keelway.deploy.history import Merged
from keelway.errors import PlanError
from keelway.facts import Facts
from keelway.model.outcome import Skipped
from keelway.stages.deploy import plan_deploy
from tests.unit.deploy.test_history import ENTRY

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.config import Config

CONFIG = """\
[project]
name = "shop"
[images.orders]
[images.worker]
[[registries]]
url = "registry.example.com/shop"
[deploy.web]
kind = "compose"
hosts = ["ssh://deploy@web1:2222", "ssh://web2/srv/second"]
folder = "/srv/orders"
require_verified = false
[deploy.always]
kind = "compose"
environment = "production"
on_release = true
hosts = ["local"]
folder = "/srv/always"
"""
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    (tmp_path / "keelway.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return load_config(tmp_path).config


def test_a_version_means_all_images_of_it(config: Config) -> None:
    wanted = wanted_release(["v1.2"], config)
    assert wanted.images == {
        "orders": "registry.example.com/shop/orders:v1.2",
        "worker": "registry.example.com/shop/worker:v1.2",
    }


def test_a_version_finds_images_whose_tags_end_otherwise(config: Config) -> None:
    small = ImageConfig(repository="shop", tag_suffix="-small")
    plain = ImageConfig(repository="shop")
    shared = config.model_copy(update={"images": {"small": small, "shop": plain}})
    assert wanted_release(["v1.2"], shared).images == {
        "small": "registry.example.com/shop/shop:v1.2-small",
        "shop": "registry.example.com/shop/shop:v1.2",
    }
    named = "registry.example.com/shop/shop:v1.2-small"
    assert wanted_release([named], shared).images == {"small": named}
    with pytest.raises(PlanError, match="could be any of small, shop"):
        wanted_release([f"registry.example.com/shop/shop@{DIGEST}"], shared)


def test_images_are_named_by_tag_or_digest(config: Config) -> None:
    named = f"other.example.com/worker@{DIGEST}"
    wanted = wanted_release([named], config)
    assert (wanted.version, wanted.images) == ("ab" * 6, {"worker": named})
    assert wanted_release(["a.example.com/orders:2"], config).version == "2"
    with pytest.raises(PlanError, match="is none of the project's images"):
        wanted_release(["a.example.com/nginx:2"], config)
    with pytest.raises(PlanError):
        wanted_release(["not an image:"], config)


def test_force_needs_a_reason(config: Config) -> None:
    del config
    with pytest.raises(PlanError, match="--force needs a reason"):
        planned(Asked(targets=("web",), force=True), None)
    with pytest.raises(PlanError, match="there is no deploy target 'wbe'"):
        planned(Asked(targets=("wbe",)), None)


def test_targets_are_decided_from_what_was_written(config: Config) -> None:
    spec = plan_deploy(config, Facts(), only=("web",))
    assert not isinstance(spec, Skipped)
    (target,) = spec.targets
    assert isinstance(target, HostsTarget)
    assert [place.folder for place in target.hosts.places] == ["/srv/orders", "/srv/second"]
    assert (target.environment, spec.verify, spec.unverified) == ("web", None, ("web",))


def test_what_every_release_goes_to_must_verify_and_says_whose_signature_counts(
    config: Config,
) -> None:
    with pytest.raises(PlanError, match="nobody says whose signature counts"):
        plan_deploy(config, Facts())
    without = config.model_copy(update={"deploy": {"web": config.deploy["web"]}})
    assert plan_deploy(without, Facts()) == Skipped("no deploy target has on_release = true")


def test_the_history_is_a_table_with_all_that_is_asked_of_it() -> None:
    other = replace(ENTRY, reason="customers complain", duration_s=None, replaced=None)
    text = history_table((Merged(entry=ENTRY, known_on=()), Merged(entry=other, known_on=())))
    first, second = text.splitlines()[-2:]
    assert first.split()[:8] == [
        "2026-11-21", "20:17:52", "deploy", "web", "v1.2.0", "ab" * 6, "succeeded", "v1.1.0",
    ]  # fmt: skip
    assert "12.5 s" in first
    assert "ada (https://ci.example.com/7)" in first
    assert first.endswith("1 check passed")
    assert second.endswith("customers complain")
    assert history_table(()) == "nothing was done yet"


def test_a_plan_shows_where_it_goes_and_how() -> None:
    target = {
        "target": "web", "environment": "production", "verified": False,
        "strategy": "rolling", "hosts": ["ssh://web1", "local"],
    }  # fmt: skip
    assert list(deploy_lines([target])) == [
        ("web", "ssh://web1, local (production, rolling, whether it verifies or not)")
    ]


@pytest.mark.parametrize(
    ("token", "needed"), [("env://TOKEN", False), ("file://token", False), ("op://v/i/t", True)]
)
def test_an_engine_is_started_for_secrets_in_a_store_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str, needed: bool
) -> None:
    target = (
        f'[deploy.git]\nkind = "gitops"\nrepository = "https://x/y.git"\nformat = "kustomize"\n'
        f'path = "."\nrequire_verified = false\n[deploy.git.login]\ntoken = "{token}"\n'
    )
    (tmp_path / "keelway.toml").write_text(CONFIG + target)
    (tmp_path / "token").write_text("t0ken")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "t0ken")
    assert needs_engine(planned(Asked(targets=("git",)), None).spec) is needed


@pytest.mark.parametrize("secret", ["env://TOKEN", "op://vault/item/token"])
@pytest.mark.parametrize("whose", ["registry", "channel"])
def test_secrets_of_registries_and_of_who_is_told_count_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, whose: str
) -> None:
    sections = {
        "registry": f'[[registries]]\nurl = "x/y"\nusername = "me"\npassword = "{secret}"\n',
        "channel": f'[[notify]]\nkind = "slack"\nurl = "{secret}"\n',
    }
    target = (
        '[deploy.git]\nkind = "gitops"\nrepository = "https://x/y.git"\nformat = "kustomize"\n'
        'path = "."\nrequire_verified = false\n'
    )
    (tmp_path / "keelway.toml").write_text(CONFIG + sections[whose] + target)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "t0ken")
    plan = planned(Asked(targets=("git",)), None)
    assert needs_engine(plan.spec, plan.secrets) is secret.startswith("op://")

"""`--since`: one option under two names, for the plan, the build and the release."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from keelway._cli.prepare import Only, prepare
from keelway._cli.program import main
from tests.support.repositories import Repository, new_repository

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
[project]
name = "shop"
[[registries]]
url = "localhost:5000/shop"
[images.base]
context = "base"
[images.web]
context = "web"
[images.worker]
context = "worker"
[scan]
enabled = false
[sbom]
enabled = false
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository where the base of one of two others changed, and an image was removed."""
    made = new_repository(tmp_path / "shop")
    made.commit({
        "keelway.toml": f'{CONFIG}[images.old]\ncontext = "worker"\n',
        "base/Dockerfile": "FROM scratch\nCOPY base.txt /\n",
        "base/base.txt": "one",
        "web/Dockerfile": "FROM localhost:5000/shop/base:latest\nCOPY Dockerfile /\n",
        "worker/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
    })  # fmt: skip
    made.commit({"base/base.txt": "two", "keelway.toml": CONFIG})
    monkeypatch.chdir(made.path)
    return made


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["keelway", *words])
    assert main() == 0


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--since", "HEAD~1", "--json"),
        ("plan", "--changed-since", "HEAD~1", "--json"),
        ("plan", "--json", "--since=HEAD~1"),
    ],
)
def test_the_plan_names_every_cause(
    words: tuple[str, ...],
    shop: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(monkeypatch, *words)
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert changes["base"] == shop.git("rev-parse", "HEAD~1")
    assert {name: one["causes"] for name, one in changes["images"].items()} == {
        "base": [{"kind": "file", "name": "base/base.txt"}],
        "web": [{"kind": "image", "name": "base"}],
        "worker": [],
    }
    assert changes["removed"] == ["old"]


@pytest.mark.usefixtures("shop")
def test_people_read_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "plan", "--since", "HEAD~1")
    text = capsys.readouterr().out
    assert "  base        built: base/base.txt changed\n" in text
    assert "  web         built: it is built on base, which changed\n" in text
    assert "  worker      left out: no input changed since HEAD~1 (" in text
    assert "  old         removed: " in text


@pytest.mark.usefixtures("shop")
def test_a_base_counts_where_only_what_is_built_on_it_is_asked_for() -> None:
    prepared = prepare(None, changed_since="HEAD~1", only=Only(images=["web"]))
    assert [image.name for image in prepared.plan.verify.build.images] == ["web"]


@pytest.mark.parametrize("command", ["plan", "build", "release"])
@pytest.mark.usefixtures("shop")
def test_each_of_them_takes_it(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, command, "--help")
    assert "--since" in capsys.readouterr().out

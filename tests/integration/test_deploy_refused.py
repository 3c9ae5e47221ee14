"""What cannot be believed, or fetched, reaches no host; its history tells it all the same."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.projects import Project
from tests.support.registry import running_registry
from tests.support.small_image import make_keys, push_small_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPOSE = "services: { web: { image: web } }\n"
CONFIG = """\
[project]
name = "shop"
[images.web]
[[registries]]
url = "{registry}/refused"
[deploy.here]
kind = "compose"
hosts = ["local:{host}"]
folder = "/unused"
[sign]
public_key = "keys/cosign.pub"
"""


class Shop:
    """A project whose one image is signed, in a registry that can be stopped."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.storage = folder / "registry"
        self.host = folder / "host"
        self.running = running
        self.registry = running.enter_context(running_registry(self.storage))
        self.repository = f"{self.registry.address}/refused/web"
        self.digest = anyio.run(lambda: push_small_image(self.repository, "1", seed="web"))
        self.project = Project(folder=folder / "project", environment={})
        config = CONFIG.format(registry=self.registry.address, host=self.host)
        self.project.write({"compose.yaml": COMPOSE, "keelway.toml": config})
        (self.project.folder / "keys").mkdir()
        make_keys(self.project.folder / "keys").sign(f"{self.repository}@{self.digest}")

    def signature(self) -> str:
        """Return the digest of the manifest that holds the index's signature."""
        tag = f"{self.repository}:{self.digest.replace(':', '-')}"
        _, index = self.registry.manifest(tag)
        found: str = index["manifests"][0]["digest"]
        return found

    def tamper(self, digest: str, word: bytes) -> None:
        """Change a word of what the registry keeps under a digest."""
        (stored,) = self.storage.rglob(f"{digest.removeprefix('sha256:')}/data")
        data = stored.read_bytes()
        assert word in data
        stored.write_bytes(data.replace(word, word.swapcase()))

    def refused(self, code: int) -> tuple[str, list[dict[str, Any]]]:
        """Deploy, and return what was said and what the host's history tells."""
        done = self.project.keelway("deploy", "1", "--to", "here")
        assert done.code == code, done.err
        assert [one.name for one in self.host.iterdir()] == ["deployment_history.log"]
        lines = (self.host / "deployment_history.log").read_text().splitlines()
        return done.err, [json.loads(line) for line in lines]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with ExitStack() as running:
        yield Shop(tmp_path, running)


def test_an_index_that_was_tampered_with_is_nobody_s(shop: Shop) -> None:
    shop.tamper(shop.digest, b"linux")
    said, told = shop.refused(6)
    assert "signature (index): none that counts" in said
    assert [(one["version"], one["outcome"]) for one in told] == [("1", "failed")]
    assert "none that counts" in told[0]["reason"]


def test_evidence_that_was_tampered_with_is_told(shop: Shop) -> None:
    shop.tamper(shop.signature(), b"dsse-envelope")
    said, told = shop.refused(5)
    assert "was tampered with" in said
    assert "was tampered with" in told[0]["reason"]


def test_a_registry_that_is_gone(shop: Shop) -> None:
    shop.running.close()
    said, told = shop.refused(5)
    assert "cannot be reached" in said
    assert told[0]["outcome"] == "failed"
    assert "cannot be reached" in told[0]["reason"]

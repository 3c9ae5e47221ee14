"""A registry is lost, storage and all; what was in it comes back as it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.registry import running_registry
from tests.support.small_image import Keys, make_keys, push_small_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import Registry

START = "import sys; from keelway._cli.program import main; sys.exit(main())"
CONFIG = """\
[project]
name = "shop"

[images.orders]

[images.worker]

[[registries]]
url = "{primary}/shop"
fallback = "{other}/kept/shop"

[sign]
public_key = "cosign.pub"

[attest]
enabled = false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Two registries, a key, and the configuration that knows of them."""

    primary: Registry
    other: Registry
    storage: Path
    keys: Keys

    def keelway(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", START, *words],
            cwd=self.keys.folder, capture_output=True, text=True, check=False, timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": str(self.keys.folder), "KEELWAY_CI": "none"},
        )  # fmt: skip

    def lose(self) -> None:
        """Remove all that the first registry has."""
        shutil.rmtree(self.storage / "docker")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    folders = [tmp_path / name for name in ("primary", "other", "keys")]
    for folder in folders:
        folder.mkdir()
    with running_registry(folders[0]) as primary, running_registry(folders[1]) as other:
        keys = make_keys(folders[2])
        config = CONFIG.format(primary=primary.address, other=other.address)
        (keys.folder / "keelway.toml").write_text(config)
        yield House(primary=primary, other=other, storage=folders[0] / "data", keys=keys)


def test_a_lost_registry_is_restored_from_its_fall_back(house: House) -> None:
    image = f"{house.primary.address}/shop/orders"
    digest = anyio.run(_push, image, "1.0", "orders")
    house.keys.sign(f"{image}@{digest}")
    kept = house.keelway("mirror", f"{image}:1.0", "--to", f"{house.other.address}/kept/shop")
    assert kept.returncode == 0, kept.stderr
    assert "verifies, as before" in kept.stdout
    assert house.keys.verify(f"{house.other.address}/kept/shop/orders:1.0")

    house.lose()
    assert house.keelway("verify", f"{image}:1.0").returncode == 5

    back = house.keelway("restore", f"{image}:1.0", "--tag", "stable", "--json")
    assert back.returncode == 0, back.stderr
    (told,) = json.loads(back.stdout)["images"]
    assert (told["digest"], told["verified"]) == (digest, True)
    assert told["source"] == f"{house.other.address}/kept/shop/orders"
    assert house.primary.manifest("shop/orders:1.0")[0] == digest
    assert house.primary.manifest("shop/orders:stable")[0] == digest
    assert house.keys.verify(f"{image}@{digest}")


def test_everything_goes_and_comes_back_and_nothing_is_sent_twice(house: House) -> None:
    digests = {
        (name, tag): anyio.run(_push, f"{house.primary.address}/shop/{name}", tag, f"{name} {tag}")
        for name, tag in (("orders", "1.0"), ("orders", "1.1"), ("worker", "1.0"))
    }
    words = ("--to", f"{house.other.address}/kept/shop")
    assert house.keelway("mirror", "--all", *words).returncode == 0
    again = house.keelway("mirror", "--all", *words, "--json")
    images = json.loads(again.stdout)["images"]
    assert len(images) == 3
    assert not any(one["blobs_sent"] or one["manifests_sent"] or one["moved"] for one in images)

    house.lose()
    assert house.keelway("restore", "--all").returncode == 0
    for (name, tag), digest in digests.items():
        assert house.primary.manifest(f"shop/{name}:{tag}")[0] == digest


def test_what_is_missing_in_one_place_does_not_stop_the_others(house: House) -> None:
    anyio.run(_push, f"{house.primary.address}/shop/worker", "1.0", "worker")
    tampered = house.storage / "docker/registry/v2/repositories/shop/orders"
    anyio.run(_push, f"{house.primary.address}/shop/orders", "1.0", "orders")
    shutil.rmtree(tampered / "_layers")
    done = house.keelway("mirror", "--all", "--to", f"{house.other.address}/kept/shop")
    assert done.returncode == 5
    assert "not everything was copied: 1 failed" in done.stderr
    assert "failed: " in done.stderr
    assert house.other.has("kept/shop/worker:1.0")


async def _push(repository: str, tag: str, seed: str) -> str:
    return await push_small_image(repository, tag, seed=seed)

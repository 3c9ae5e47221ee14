"""What the tests of `examples/matrix-product` share: targets, variants of its configuration."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

import keelway as kw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.examples import Example
    from tests.support.projects import Outcome
    from tests.support.registry import Registry

TARGETS = ("production", "testing", "development")
PLATFORMS = ("linux/amd64", "linux/arm64")
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
PATIENCE_S = 120


def reference(example: Example, tag: str) -> str:
    """Return what an image of the product is called in the registry."""
    return example.reference("matrix-product", tag)


def repository(example: Example) -> str:
    """Return the product's repository, without its registry."""
    return f"{example.repositories}/matrix-product"


def tags(example: Example) -> set[str]:
    """Return all tags of the product, without those that keep evidence."""
    url = f"http://{example.registry.address}/v2/{repository(example)}/tags/list"
    found = httpx.get(url, trust_env=False).json()["tags"]
    return {tag for tag in found if not tag.startswith("sha256-")}


@contextlib.contextmanager
def variant(example: Example, *changes: tuple[str, str]) -> Iterator[str]:
    """Give a configuration beside the example's that differs in these texts."""
    text = (example.folder / "keelway.toml").read_text()
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    file = example.folder / "variant.toml"
    file.write_text(text)
    try:
        yield file.name
    finally:
        file.unlink()


def scan_production(example: Example, change: tuple[str, str]) -> Outcome:
    """Scan the production image of one platform by a configuration that differs."""
    with variant(example, change) as config:
        return example.keelway(
            "scan", "--config", config, "--image", "production", "--platform", "linux/amd64"
        )


def use_fall_back(example: Example, registry: Registry) -> None:
    """Let the example have its fall-back in a registry of its own."""
    file = example.folder / "keelway.toml"
    before = f"{example.registry.address}/kept"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, f"{registry.address}/kept"))
    example.commit("a fall-back of its own")


def answer(port: int, path: str) -> tuple[int, str]:
    """Return what a service says at a port of this machine; 0 when nobody is there."""
    try:
        found = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10, trust_env=False)
    except httpx.HTTPError as error:
        return 0, str(error)
    return found.status_code, found.text


def comes_to_answer(port: int, path: str, text: str) -> bool:
    """Return whether an answer comes to have a text, after a while."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if text in answer(port, path)[1]:
            return True
        time.sleep(0.5)
    return False


def push_old_nights(example: Example, count: int) -> list[str]:
    """Push production images of nights long ago, and return their tags, the oldest last."""
    _, index = example.registry.manifest(reference(example, "v1.4.0-production"))
    pushed: list[str] = []
    for number in range(count):
        made = datetime.now(UTC) - timedelta(days=60 + number)
        old: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": index["manifests"],
            "annotations": {"org.opencontainers.image.created": made.isoformat()},
        }
        tag = f"{made:%Y%m%d}-{number:07x}-production"
        url = f"http://{example.registry.address}/v2/{repository(example)}/manifests/{tag}"
        sent = httpx.put(
            url, content=json.dumps(old), headers={"Content-Type": INDEX_TYPE}, trust_env=False
        )
        sent.raise_for_status()
        pushed.append(tag)
    return pushed


async def push_snyk(example: Example, base: str) -> str:
    """Push an image that answers as Snyk's program does, and return its reference by digest."""
    script = (Path(__file__).parent / "snyk_stand_in.mjs").read_text()
    async with kw.open_session() as session:
        return await (
            session.client.container()
            .from_(base)
            .with_new_file("/srv/snyk.mjs", script)
            .with_entrypoint(["node", "/srv/snyk.mjs"])
            .publish(f"{example.registry.address}/{example.repositories}/snyk:stand-in")
        )

"""Evidence that many write at once, and registries that take none."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from keelway.errors import RegistryError
from keelway.evidence.bundle import BUNDLE_TYPE, Bundle
from keelway.evidence.finding import find_evidence
from keelway.evidence.keeping import keep_referrer
from keelway.model.evidence import PredicateType, Subject
from keelway.registry.client import open_repository
from keelway.registry.content import EMPTY_TYPE, MANIFEST_TYPE, serialize
from tests.support.registry import running_referrers_registry, running_registry
from tests.support.web_handler import Asked, Reply, answering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keelway.model.image import Digest
    from tests.support.registry import Registry

CLIENTS = 10
# What one client does, as a process of its own: nothing in memory is shared.
CLIENT = """
import sys
import anyio
from keelway.evidence.bundle import Bundle
from keelway.evidence.keeping import keep_attestation, keep_referrer
from keelway.model.evidence import PredicateType, Subject
from keelway.registry.client import open_repository

name, digest, layout, text = sys.argv[1:]

async def main():
    subject = Subject(image="x", platform=None, digest=digest, repositories=(name,))
    bundle = Bundle.parse(text)
    async with open_repository(name, login=None, stage="attest") as repository:
        print("ready", flush=True)
        sys.stdin.readline()
        if layout == "referrer":
            await keep_referrer(repository, subject, bundle, PredicateType.SPDX, 0)
        else:
            await keep_attestation(repository, subject, bundle, PredicateType.SPDX)

anyio.run(main)
"""


def _bundle(number: int) -> str:
    return json.dumps(
        {
            "mediaType": BUNDLE_TYPE,
            "dsseEnvelope": {"payload": "", "signatures": [{"sig": str(number)}]},
        }
    )


@pytest.fixture(params=["without referrers API", "with referrers API"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    run = running_registry if request.param.startswith("without") else running_referrers_registry
    with run(tmp_path) as running:
        yield running


async def _image(name: str) -> Digest:
    """Put the smallest image there is, and return its digest."""
    async with open_repository(name, login=None, stage="test") as opened:
        config = await opened.put_blob(b"{}", "application/vnd.oci.image.config.v1+json")
        data = serialize(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": config.document(),
                "layers": [],
            }
        )
        await opened.put_manifest(data, MANIFEST_TYPE, "1")
        return (await opened.manifest("1")).digest


def _all_at_once(name: str, digest: str, layout: str) -> None:
    """Let every client, once all of them are connected, write its own bundle."""
    clients = [_client(name, digest, layout, _bundle(number)) for number in range(CLIENTS)]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
    for client in clients:
        assert client.stdin is not None
        client.stdin.write("go\n")
        client.stdin.flush()
    for client in clients:
        _, errors = client.communicate(timeout=120)
        assert client.returncode == 0, errors


def _client(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("layout", ["referrer", "legacy"])
async def test_ten_clients_at_once_lose_nothing(registry: Registry, layout: str) -> None:
    name = f"{registry.address}/demo/x"
    digest = await _image(name)
    await anyio.to_thread.run_sync(_all_at_once, name, digest, layout)
    async with open_repository(name, login=None, stage="test") as opened:
        found = await find_evidence(opened, digest)
    envelopes = [one.bundle.envelope for one in found.bundles] + [
        one.envelope for one in found.envelopes
    ]
    kept = {one["signatures"][0]["sig"] for one in envelopes}
    assert kept == {str(number) for number in range(CLIENTS)}
    assert len(envelopes) == CLIENTS


async def test_what_else_refers_to_an_image_is_left_alone(registry: Registry) -> None:
    """An artifact of another tool is neither evidence nor a fault."""
    name = f"{registry.address}/demo/x"
    digest = await _image(name)
    subject = Subject(image="x", platform=None, digest=digest, repositories=(name,))
    async with open_repository(name, login=None, stage="test") as opened:
        image = await opened.manifest(digest)
        empty = await opened.put_blob(b"{}", EMPTY_TYPE)
        other = serialize(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "artifactType": "application/vnd.example.notes",
                "config": empty.document(),
                "layers": [empty.document()],
                "subject": image.descriptor.document(),
            }
        )
        await opened.put_manifest(other, MANIFEST_TYPE)
        bundle = Bundle.parse(_bundle(1))
        await keep_referrer(opened, subject, bundle, PredicateType.SPDX, 0)
        found = await find_evidence(opened, digest)
    assert len(found.bundles) == 1
    assert found.unreadable == ()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"errors":[{"code":"MANIFEST_INVALID","message":"unknown artifact type"}]}'),
        (415, b"unsupported media type"),
        (405, b""),
    ],
)
async def test_a_registry_that_takes_no_artifacts_is_told_as_such(status: int, body: bytes) -> None:
    image = serialize({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "layers": []})

    def answer(asked: Asked) -> Reply:
        if asked.method == "PUT":
            return Reply(status=status, body=body)
        if "/manifests/" in asked.path:
            return Reply(headers={"Content-Type": MANIFEST_TYPE}, body=image)
        return Reply()  # every blob is there

    with answering(answer) as address:
        name = f"{address}/demo/x"
        async with open_repository(name, login=None, stage="attest") as opened:
            digest = (await opened.manifest("1")).digest
            subject = Subject(image="x", platform=None, digest=digest, repositories=(name,))
            bundle = Bundle.parse(_bundle(1))
            with pytest.raises(RegistryError, match="takes no signatures") as caught:
                await keep_referrer(opened, subject, bundle, PredicateType.SPDX, 0)
    assert caught.value.status == status
    assert "legacy" in caught.value.diagnostics()

"""Evidence that is there already: it is found, and not sent again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import pytest

from keelway._together import each
from keelway.evidence.bundle import BUNDLE_TYPE, Bundle
from keelway.evidence.finding import find_evidence
from keelway.evidence.keeping import keep_referrer
from keelway.model.evidence import PredicateType, Subject
from keelway.registry.client import open_repository
from keelway.registry.transport import Transport
from tests.support.registry import running_referrers_registry, running_registry
from tests.support.small_image import push_small_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keelway.model.evidence import Evidence
    from keelway.registry.transport import Answer

STATEMENTS = 10


@dataclass(frozen=True, slots=True)
class Kind:
    """A registry that is running."""

    address: str
    has_api: bool


@pytest.fixture(params=[False, True], ids=["without referrers API", "with referrers API"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    run = running_referrers_registry if request.param else running_registry
    with run(tmp_path) as running:
        yield Kind(running.address, has_api=request.param)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each kind of request was sent."""
    counted: Counter[str] = Counter()
    send = Transport.send

    async def counting(self: Transport, method: str, url: str, **more: object) -> Answer:
        counted[method] += 1
        return await send(self, method, url, **more)  # type: ignore[arg-type] # as it was given

    monkeypatch.setattr(Transport, "send", counting)
    return counted


def _bundle(number: int) -> Bundle:
    envelope = {"payload": "", "signatures": [{"sig": str(number)}]}
    return Bundle.parse(json.dumps({"mediaType": BUNDLE_TYPE, "dsseEnvelope": envelope}))


async def _keep(name: str, subject: Subject) -> tuple[Evidence, ...]:
    """Keep some statements about one digest, side by side, as a release does."""
    async with open_repository(name, login=None, stage="attest") as repository:

        async def one(number: int) -> Evidence:
            return await keep_referrer(repository, subject, _bundle(number), PredicateType.SPDX, 0)

        return await each(one, range(STATEMENTS))


async def test_what_is_there_is_asked_for_and_neither_sent_nor_waited_for(
    registry: Kind, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{registry.address}/demo/orders"
    digest = await push_small_image(name, "1", seed="again")
    subject = Subject(image="orders", platform=None, digest=digest, repositories=(name,))
    first = await _keep(name, subject)
    assert asked["PUT"] > STATEMENTS
    asked.clear()

    async def never(seconds: float) -> None:
        raise AssertionError(f"it waits for {seconds} s")

    with monkeypatch.context() as patched:
        patched.setattr(anyio, "sleep", never)
        assert await _keep(name, subject) == first
    assert (asked["POST"], asked["PATCH"]) == (0, 0)
    # A manifest that is there has its blobs: they are not asked for.
    without_api = {"HEAD": STATEMENTS, "GET": 3}
    # Who has the API says itself, when a manifest is sent, whether it lists it; the empty
    # configuration is asked for once, for all.
    sent = {"HEAD": 1 + STATEMENTS, "PUT": STATEMENTS}
    if registry.has_api:
        assert {method: asked[method] for method in sent} == sent
    else:
        assert asked == without_api


async def test_what_was_lost_is_sent_again(registry: Kind) -> None:
    name = f"{registry.address}/demo/orders"
    digest = await push_small_image(name, "1", seed="again")
    subject = Subject(image="orders", platform=None, digest=digest, repositories=(name,))
    first = await _keep(name, subject)
    async with open_repository(name, login=None, stage="test") as repository:
        await repository._transport.send(
            "DELETE",
            f"/v2/demo/orders/manifests/{first[0].digest}",
            scope="repository:demo/orders:delete",
        )
        assert not await repository.has(first[0].digest)
    assert await _keep(name, subject) == first
    async with open_repository(name, login=None, stage="test") as repository:
        found = await find_evidence(repository, digest)
    assert len(found.bundles) == STATEMENTS

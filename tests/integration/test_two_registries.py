"""Two registries of which one fails in the middle: the other one gets all, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

import keelway as kw
from keelway.errors import PublishError
from keelway.model.evidence import Layout, Signatures
from keelway.model.published import Published, PublishedImage, PublishedTag
from keelway.registry.client import open_repository
from keelway.registry.copying import copy_image
from keelway.stages.attest import attest
from keelway.stages.sign import SignSpec, sign
from tests.support.attested import attest_spec, make_images, make_verified
from tests.support.registry import running_registry
from tests.support.small_image import Keys, make_keys
from tests.support.troubled_registry import Answer, troubled_registry, unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.support.registry import Registry
    from tests.support.troubled_registry import Troubles


@dataclass(slots=True)
class AfterAWhile:
    """Answers well a few times, and then no more."""

    left: int

    def __call__(self, answer: Answer) -> None:
        self.left -= 1
        if self.left >= 0:
            answer.send()
        else:
            unavailable(answer)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    folder = tmp_path / "keys"
    folder.mkdir()
    return make_keys(folder)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Registry, Registry, Troubles]]:
    with (
        running_registry(tmp_path / "good") as good,
        running_registry(tmp_path / "bad") as bad,
        troubled_registry(bad) as troubles,
    ):
        yield good, bad, troubles


@pytest.fixture
async def run() -> AsyncIterator[kw.Run]:
    async with kw.open_session() as session:
        yield kw.Run(session.client)


@pytest.mark.once
async def test_evidence_is_finished_in_one_while_the_other_fails_in_the_middle(
    run: kw.Run, two: tuple[Registry, Registry, Troubles], keys: Keys, tmp_path: Path
) -> None:
    good, bad, troubles = two
    images, published = await make_images(run, f"{good.address}/demo/hello")
    both = await _in_both(published, f"{good.address}/demo/hello", f"{troubles.address}/demo/hello")
    reports = tmp_path / "reports"
    spec = attest_spec(keys.folder, keys.cosign, reports, (Layout.REFERRER,))
    spec = replace(spec, predicates=("provenance", "summary"))
    signing = SignSpec(signer=spec.signer)
    troubles.manifests, troubles.times = AfterAWhile(6), 1_000

    with pytest.raises(PublishError) as caught:
        await sign(run, signing, both)
    error = caught.value
    assert error.stage == "sign"
    assert [line.partition(": ")[0] for line in error.failed] == [f"{troubles.address}/demo/hello"]
    assert error.done == (f"{good.address}/demo/hello, with 3 statements",)
    assert isinstance(error.partial, Signatures)
    digest = published.images[0].digest
    assert keys.verify(f"{good.address}/demo/hello@{digest}")

    troubles.times = 0
    again = await sign(run, signing, both)
    assert len(again.signed) == 6, "what the other has is found there"
    stated = await attest(run, spec, both, make_verified(images, reports))
    assert keys.verify(f"{bad.address}/demo/hello@{digest}")
    repositories = [one.repository for one in stated.attested]
    assert repositories.count(f"{good.address}/demo/hello") == len(repositories) / 2


async def _in_both(published: Published, source: str, target: str) -> Published:
    (image,) = published.images
    async with (
        open_repository(source, login=None, stage="test") as first,
        open_repository(target, login=None, stage="test") as second,
    ):
        await copy_image(first, second, image.digest, ("1",))
    tags = tuple(
        PublishedTag(repository=name, tag="1", digest=image.digest) for name in (source, target)
    )
    return Published(
        images=(
            PublishedImage(
                name=image.name, digest=image.digest, platforms=image.platforms, tags=tags
            ),
        )
    )

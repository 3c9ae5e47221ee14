"""Images copied between real registries with all that belongs to them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from keelway.errors import RegistryError
from keelway.model.image import Digest
from keelway.registry.client import open_repository
from keelway.registry.content import EMPTY_TYPE, MANIFEST_TYPE, Descriptor, serialize
from keelway.registry.copying import Copied, copy_image
from keelway.registry.layering import AddedLayer
from keelway.verification.checks import Demands
from keelway.verification.verify import KeyTrust, Verification, VerifySpec, verify_image
from tests.support.registry import running_referrers_registry, running_registry
from tests.support.small_image import LAYER_BYTES, Keys, make_keys, push_small_image
from tests.support.troubled_registry import corrupt, reset, troubled_registry, unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from keelway.registry.client import Repository
    from tests.support.registry import Registry
    from tests.support.troubled_registry import Trouble


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that lists referrers by tag."""
    with running_registry(tmp_path_factory.mktemp("plain")) as running:
        yield running


@pytest.fixture(scope="module")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that has the referrers API."""
    with running_referrers_registry(tmp_path_factory.mktemp("modern")) as running:
        yield running


@asynccontextmanager
async def opened(*names: str) -> AsyncIterator[tuple[Repository, Repository]]:
    source, target = names
    async with (
        open_repository(source, login=None, stage="test") as first,
        open_repository(target, login=None, stage="test") as second,
    ):
        yield first, second


async def copied(source: str, target: str, digest: Digest, *tags: str) -> Copied:
    async with opened(source, target) as (first, second):
        return await copy_image(first, second, digest, tags)


async def looked(reference: str, keys: Keys) -> Verification:
    trust = KeyTrust(public_key=keys.public.read_text())
    return await verify_image(reference, VerifySpec(trust=trust, demands=Demands(attested=False)))


@pytest.mark.parametrize("direction", ["to the API", "to tags"])
async def test_an_image_verifies_where_it_was_copied_to(
    plain: Registry, modern: Registry, keys: Keys, nonce: str, direction: str
) -> None:
    first, second = (plain, modern) if direction == "to the API" else (modern, plain)
    source, target = f"{first.address}/demo/{nonce}", f"{second.address}/mirror/{nonce}"
    digest = await push_small_image(source, "1.0", seed=nonce)
    keys.sign(f"{source}@{digest}")
    before = await looked(f"{source}@{digest}", keys)

    once = await copied(source, target, digest, "1.0")
    assert (once.blobs_sent, once.moved) == (once.blobs, ("1.0",))
    assert once.evidence == 3, "of the index and of each platform"
    after = await looked(f"{target}:1.0", keys)
    assert after.passed
    assert after.checks == before.checks
    assert keys.verify(f"{target}@{digest}"), "stock cosign finds it too"

    again = await copied(source, target, digest, "1.0")
    assert not again.changed, "what is there is not sent"


async def test_an_image_whose_registry_is_down_is_verified_elsewhere_by_its_digest(
    plain: Registry, keys: Keys, nonce: str
) -> None:
    digest = await push_small_image(f"{plain.address}/kept/{nonce}", "1.0", seed=nonce)
    keys.sign(f"{plain.address}/kept/{nonce}@{digest}")
    spec = VerifySpec(
        trust=KeyTrust(public_key=keys.public.read_text()),
        demands=Demands(attested=False),
        mirrors={"127.0.0.1:1/shop": (f"{plain.address}/kept",)},
    )
    found = await verify_image(f"127.0.0.1:1/shop/{nonce}:1.0@{digest}", spec)
    assert found.passed
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:1 cannot be reached"):
        await verify_image(f"127.0.0.1:1/shop/{nonce}:1.0", spec)


async def test_old_layouts_are_merged_with_what_the_target_has(plain: Registry, nonce: str) -> None:
    source, target = f"{plain.address}/demo/{nonce}", f"{plain.address}/mirror/{nonce}"
    digest = await push_small_image(source, "1.0", seed=nonce)
    tag = f"{digest.replace(':', '-')}.sig"
    async with opened(source, target) as (first, second):
        for repository, text in ((first, b"theirs"), (second, b"ours")):
            layer = await repository.put_blob(text, "text/plain")
            await repository.amend(tag, AddedLayer(repository, layer.document()))
        done = await copy_image(first, second, digest)
        assert done.evidence == 1
        merged = await second.manifest(tag)
        kept = [await second.blob(layer) for layer in merged.layers()]
        assert sorted(kept) == [b"ours", b"theirs"]
        assert done.blobs_mounted > 0, "one registry takes blobs over from its own repositories"
        assert done.bytes_sent == 0


async def test_what_refers_to_evidence_comes_along(
    plain: Registry, modern: Registry, nonce: str
) -> None:
    source, target = f"{plain.address}/demo/{nonce}", f"{modern.address}/mirror/{nonce}"
    digest = await push_small_image(source, "1.0", seed=nonce)
    async with opened(source, target) as (first, second):
        document = await _attach(first, digest, "application/vnd.example.sbom")
        signature = await _attach(first, document, "application/vnd.example.signature")
        await copy_image(first, second, digest)
        assert [one.digest for one in await second.referrers(digest)] == [document]
        assert [one.digest for one in await second.referrers(document)] == [signature]


async def _attach(repository: Repository, subject: Digest, kind: str) -> Digest:
    target = await repository.manifest(subject)
    empty = await repository.put_blob(b"{}", EMPTY_TYPE)
    data = serialize(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": kind,
            "config": empty.document(),
            "layers": [empty.document()],
            "subject": target.descriptor.document(),
        }
    )
    listed = Descriptor.of(data, MANIFEST_TYPE)
    await repository.attach(data, subject, listed)
    return listed.digest


@pytest.mark.parametrize("trouble", [reset, unavailable])
async def test_what_breaks_off_in_the_middle_is_sent_again(
    plain: Registry, modern: Registry, nonce: str, trouble: Trouble
) -> None:
    source, target = f"demo/{nonce}", f"{modern.address}/mirror/{nonce}"
    digest = await push_small_image(f"{plain.address}/{source}", "1.0", seed=nonce)
    with troubled_registry(plain) as troubles:
        troubles.blobs, troubles.times = trouble, 2
        done = await copied(f"{troubles.address}/{source}", target, digest)
        assert troubles.times == 0
    assert done.bytes_sent > 3 * LAYER_BYTES


async def test_a_copy_that_failed_is_finished_by_the_next_one(
    plain: Registry, modern: Registry, nonce: str
) -> None:
    source, target = f"{modern.address}/demo/{nonce}", f"mirror/{nonce}"
    digest = await push_small_image(source, "1.0", seed=nonce)
    with troubled_registry(plain) as troubles:
        troubles.manifests, troubles.times = unavailable, 1_000
        with pytest.raises(RegistryError, match="HTTP 503"):
            await copied(source, f"{troubles.address}/{target}", digest)
    done = await copied(source, f"{plain.address}/{target}", digest)
    assert (done.blobs_sent, done.manifests_sent) == (0, 3), "only what was missing"


async def test_other_bytes_than_the_digest_says_are_never_kept(
    plain: Registry, modern: Registry, nonce: str
) -> None:
    source, target = f"demo/{nonce}", f"{modern.address}/mirror/{nonce}"
    digest = await push_small_image(f"{plain.address}/{source}", "1.0", seed=nonce)
    with troubled_registry(plain) as troubles:
        troubles.blobs, troubles.times = corrupt, 1_000
        with pytest.raises(RegistryError, match="was tampered with"):
            await copied(f"{troubles.address}/{source}", target, digest)
    assert not modern.has(f"mirror/{nonce}@{digest}")


async def test_a_tag_moves_only_when_it_names_something_else(plain: Registry, nonce: str) -> None:
    name = f"{plain.address}/demo/{nonce}"
    first = await push_small_image(name, "1.0", seed=nonce)
    second = await push_small_image(name, "1.1", seed=f"{nonce} again")
    async with open_repository(name, login=None, stage="test") as repository:
        assert not await repository.put_tag("1.0", first)
        assert await repository.put_tag("1.0", second)
        assert (await repository.manifest("1.0")).digest == second
        with pytest.raises(RegistryError, match="is not there"):
            await repository.put_tag("1.0", Digest(f"sha256:{'0' * 64}"))

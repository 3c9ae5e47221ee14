"""Signatures that stock cosign accepts, in both layouts, with the real cosign and registry."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import dagger
import pytest

import keelway as kw
from keelway.errors import ToolError
from keelway.model.evidence import Layout
from keelway.model.published import Published, PublishedImage, PublishedTag
from keelway.model.signer import KeySigner, SignerSpec
from keelway.model.tool import HostTool
from keelway.stages.sign import SignSpec, sign
from tests.support.registry import running_registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.support.registry import Registry

PASSWORD = "made for this test"  # noqa: S105 - protects nothing
OFFLINE = ("--insecure-ignore-tlog=true", "--allow-http-registry")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, cosign: str) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run(
        [cosign, "generate-key-pair"],
        cwd=folder, check=True, capture_output=True,
        env={**os.environ, "COSIGN_PASSWORD": PASSWORD},
    )  # fmt: skip
    return folder


@pytest.fixture
async def run(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[kw.Run]:
    monkeypatch.setenv("SIGNING_PASSWORD", PASSWORD)
    async with kw.open_session() as session:
        yield kw.Run(session.client)


async def _published(run: kw.Run, repository: str, content: str) -> Published:
    variants = [
        run.dag.container(platform=dagger.Platform(platform)).with_new_file(
            "/hello", f"{content} {platform}"
        )
        for platform in (kw.Platform("linux/amd64"), kw.Platform("linux/arm64"))
    ]
    answer = await run.dag.container().publish(f"{repository}:1", platform_variants=variants)
    digest = kw.Digest(answer.partition("@")[2])
    tag = PublishedTag(repository=repository, tag="1", digest=digest)
    platforms = (kw.Platform("linux/amd64"), kw.Platform("linux/arm64"))
    image = PublishedImage(name="hello", digest=digest, platforms=platforms, tags=(tag,))
    return Published(images=(image,))


def _spec(keys: Path, cosign: str, *, layouts: tuple[Layout, ...] = (Layout.REFERRER,)) -> SignSpec:
    who = KeySigner(key=f"file://{keys}/cosign.key", password="env://SIGNING_PASSWORD")
    signer = SignerSpec(who=who, tool=HostTool(path=cosign))
    return SignSpec(signer=signer, layouts=layouts)


def _verify(
    cosign: str, keys: Path, reference: str, *more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [cosign, "verify", "--key", keys / "cosign.pub", *OFFLINE, *more, reference],
        check=False, capture_output=True, text=True,
    )  # fmt: skip


async def test_cosign_verifies_the_index_and_each_platform(
    run: kw.Run, any_registry: Registry, keys: Path, cosign: str
) -> None:
    repository = f"{any_registry.address}/demo/signed"
    published = await _published(run, repository, "signed")
    signatures = await sign(run, _spec(keys, cosign), published)
    assert len(signatures.signed) == 3
    assert signatures.signer.startswith("key sha256:")
    for evidence in signatures.signed:
        done = _verify(cosign, keys, f"{repository}@{evidence.subject.digest}")
        assert done.returncode == 0, done.stderr


# It is one of tags alone, whatever else the registry has.
@pytest.mark.parametrize("any_registry", ["without referrers API"], indirect=True)
async def test_the_old_layout_is_kept_beside_the_new_one(
    run: kw.Run, any_registry: Registry, keys: Path, cosign: str
) -> None:
    repository = f"{any_registry.address}/demo/legacy"
    published = await _published(run, repository, "legacy")
    spec = _spec(keys, cosign, layouts=(Layout.LEGACY,))
    await sign(run, spec, published)
    digest = published.images[0].digest
    assert any_registry.has(f"demo/legacy:{digest.replace(':', '-')}.sig")
    done = _verify(cosign, keys, f"{repository}@{digest}", "--new-bundle-format=false")
    assert done.returncode == 0, done.stderr


async def test_signing_again_changes_nothing(
    run: kw.Run, registry: Registry, keys: Path, cosign: str
) -> None:
    published = await _published(run, f"{registry.address}/demo/twice", "twice")
    first = await sign(run, _spec(keys, cosign), published)
    again = await sign(run, _spec(keys, cosign), published)
    assert again.signed == first.signed


async def test_what_is_not_signed_does_not_verify(
    run: kw.Run, registry: Registry, keys: Path, cosign: str
) -> None:
    repository = f"{registry.address}/demo/unsigned"
    published = await _published(run, repository, "unsigned")
    assert _verify(cosign, keys, f"{repository}@{published.images[0].digest}").returncode != 0


async def test_a_wrong_password_is_told_as_such(
    run: kw.Run,
    registry: Registry,
    keys: Path,
    cosign: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = await _published(run, f"{registry.address}/demo/locked", "locked")
    monkeypatch.setenv("OTHER_PASSWORD", "not the one")
    who = KeySigner(key=f"file://{keys}/cosign.key", password="env://OTHER_PASSWORD")
    spec = SignSpec(signer=SignerSpec(who=who, tool=HostTool(path=cosign)))
    with pytest.raises(ToolError) as caught:
        async with kw.open_session() as session:
            await sign(kw.Run(session.client), spec, published)
    assert caught.value.why == "the password of the signing key is wrong"
    assert "not the one" not in caught.value.diagnostics()


async def test_a_key_in_the_environment_signs(
    registry: Registry, keys: Path, cosign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY", (keys / "cosign.key").read_text())
    monkeypatch.setenv("SIGNING_PASSWORD", PASSWORD)
    repository = f"{registry.address}/demo/environment"
    who = KeySigner(key="env://SIGNING_KEY", password="env://SIGNING_PASSWORD")
    spec = SignSpec(signer=SignerSpec(who=who, tool=HostTool(path=cosign)))
    async with kw.open_session() as session:
        run = kw.Run(session.client)
        published = await _published(run, repository, "environment")
        await sign(run, spec, published)
    done = _verify(cosign, keys, f"{repository}@{published.images[0].digest}")
    assert done.returncode == 0, done.stderr

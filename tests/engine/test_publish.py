"""`publish`: what arrives in the registry, single and for several platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest
from dagger import ImageLayerCompression, ImageMediaTypes, Platform

if TYPE_CHECKING:
    from tests.support.registry import Registry
    from tests.support.sample_images import SampleImages

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def address(registry: Registry, nonce: str) -> str:
    """A repository that nothing was pushed to yet, with a tag."""
    return f"{registry.address}/published/{nonce[:12]}:1.0"


@pytest.fixture
def variants(dag: dagger.Client, samples: SampleImages) -> list[dagger.Container]:
    """The same image for two platforms, the foreign order first."""
    return [
        dag.container(platform=Platform(f"linux/{name}"))
        .from_(samples.busybox)
        .with_new_file("/arch", name)
        for name in ("arm64", "amd64")
    ]


async def test_published_reference_is_the_digest_of_what_was_pushed(
    base: dagger.Container, registry: Registry, address: str
) -> None:
    reference = await base.with_label("l", "v").publish(address)
    digest, manifest = registry.manifest(address)
    assert reference == f"{address}@{digest}"
    assert manifest["mediaType"] == OCI_MANIFEST
    repository = address.removeprefix(f"{registry.address}/").partition(":")[0]
    assert registry.config(repository, manifest)["config"]["Labels"] == {"l": "v"}


async def test_address_without_a_tag_pushes_latest_and_answers_without(
    base: dagger.Container, registry: Registry, address: str
) -> None:
    untagged = address.rpartition(":")[0]
    reference = await base.publish(untagged)
    digest, _ = registry.manifest(f"{untagged}:latest")
    assert reference == f"{untagged}@{digest}"


async def test_published_image_comes_back_the_same(
    dag: dagger.Client, base: dagger.Container, address: str
) -> None:
    reference = await base.with_new_file("/mark", "m").publish(address)
    back = dag.container().from_(reference)
    assert await back.with_exec(["cat", "/mark"]).stdout() == "m"


async def test_base_layers_are_pushed_unchanged(
    base: dagger.Container, samples: SampleImages, registry: Registry, address: str
) -> None:
    await base.with_new_file("/added", "x").publish(address)
    _, manifest = registry.manifest(address)
    _, index = registry.manifest(samples.busybox)
    repository = address.removeprefix(f"{registry.address}/").partition(":")[0]
    architecture = registry.config(repository, manifest)["architecture"]
    (digest,) = [
        one["digest"]
        for one in index["manifests"]
        if one["platform"]["architecture"] == architecture
    ]
    _, source = registry.manifest(f"test/busybox@{digest}")
    kept = [layer["digest"] for layer in manifest["layers"]][:-1]
    assert kept == [layer["digest"] for layer in source["layers"]]


async def test_several_platforms_are_one_index_sorted_by_platform(
    dag: dagger.Client, variants: list[dagger.Container], registry: Registry, address: str
) -> None:
    reference = await dag.container().publish(address, platform_variants=variants)
    digest, index = registry.manifest(address)
    assert reference == f"{address}@{digest}"
    assert index["mediaType"] == OCI_INDEX
    found = [one["platform"]["architecture"] for one in index["manifests"]]
    assert found == ["amd64", "arm64"]


async def test_each_platform_of_the_index_has_its_own_files(
    dag: dagger.Client, variants: list[dagger.Container], address: str
) -> None:
    reference = await dag.container().publish(address, platform_variants=variants)
    for name in ("amd64", "arm64"):
        back = dag.container(platform=Platform(f"linux/{name}")).from_(reference)
        assert await back.file("/arch").contents() == name


async def test_receiver_with_files_is_one_of_the_platforms(
    variants: list[dagger.Container], registry: Registry, address: str
) -> None:
    await variants[0].publish(address, platform_variants=[variants[1]])
    _, index = registry.manifest(address)
    assert len(index["manifests"]) == 2


async def test_one_variant_of_a_scratch_receiver_is_a_plain_manifest(
    dag: dagger.Client, variants: list[dagger.Container], registry: Registry, address: str
) -> None:
    await dag.container().publish(address, platform_variants=variants[:1])
    assert registry.manifest(address)[1]["mediaType"] == OCI_MANIFEST


async def test_two_images_of_one_platform_are_refused(
    dag: dagger.Client, base: dagger.Container, address: str
) -> None:
    platform = await dag.default_platform()
    twice = [base.with_exec(["touch", "/a"]), base.with_exec(["touch", "/b"])]
    with pytest.raises(dagger.QueryError, match=f'duplicate platform "{platform}"'):
        await dag.container().publish(address, platform_variants=twice)


async def test_annotations_are_on_the_manifest(
    base: dagger.Container, registry: Registry, address: str
) -> None:
    await base.with_annotation("org.example.note", "noted").publish(address)
    _, manifest = registry.manifest(address)
    assert manifest["annotations"]["org.example.note"] == "noted"


async def test_annotations_of_variants_are_in_the_index_too(
    dag: dagger.Client, variants: list[dagger.Container], registry: Registry, address: str
) -> None:
    noted = [one.with_annotation("org.example.note", "noted") for one in variants]
    await dag.container().publish(address, platform_variants=noted)
    _, index = registry.manifest(address)
    for one in index["manifests"]:
        assert one["annotations"]["org.example.note"] == "noted"


async def test_docker_media_types_are_pushed_when_asked(
    base: dagger.Container, registry: Registry, address: str
) -> None:
    await base.publish(address, media_types=ImageMediaTypes.DOCKER)
    _, manifest = registry.manifest(address)
    assert manifest["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"


async def test_docker_media_types_make_a_manifest_list(
    dag: dagger.Client, variants: list[dagger.Container], registry: Registry, address: str
) -> None:
    await dag.container().publish(
        address, platform_variants=variants, media_types=ImageMediaTypes.DOCKER
    )
    _, index = registry.manifest(address)
    assert index["mediaType"] == "application/vnd.docker.distribution.manifest.list.v2+json"


async def test_compression_is_as_asked(
    base: dagger.Container, registry: Registry, address: str
) -> None:
    await base.publish(address, forced_compression=ImageLayerCompression.ZSTD)
    _, manifest = registry.manifest(address)
    assert {layer["mediaType"] for layer in manifest["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar+zstd"
    }


async def test_publishing_again_gives_the_same_digest(base: dagger.Container, address: str) -> None:
    container = base.with_new_file("/f", "x").with_exec(["sh", "-c", "echo y > /g"])
    assert await container.publish(address) == await container.publish(address)


async def test_publish_is_never_cached(
    base: dagger.Container, registry: Registry, address: str
) -> None:
    one, two = base.with_label("n", "1"), base.with_label("n", "2")
    first = await one.publish(address)
    await two.publish(address)
    assert await one.publish(address) == first
    assert registry.manifest(address)[0] in first


async def test_unreachable_registry_is_named(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match=r"127\.0\.0\.1:1\b"):
        await base.publish("127.0.0.1:1/none/none:1")


async def test_failing_exec_fails_the_publish_and_pushes_nothing(
    base: dagger.Container, registry: Registry, address: str
) -> None:
    with pytest.raises(dagger.ExecError) as caught:
        await base.with_exec(["sh", "-c", "exit 4"]).publish(address)
    assert caught.value.exit_code == 4
    assert registry.has(address) is False

"""Image archives: `as_tarball`, `export` and `import`, their layers, configs and media types."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import anyio
import dagger
import pytest
from dagger import ImageLayerCompression, ImageMediaTypes, Platform

from tests.support.archive import Archive, read_archive
from tests.support.missing import need
from tests.support.shell import mode_of, output, settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sample_images import SampleImages


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where an archive is written."""
    return tmp_path / "image.tar"


async def exported(container: dagger.Container, target: Path, **options: Any) -> Archive:
    """Export a container and read the archive."""
    assert await container.export(str(target), **options) == str(target)
    return read_archive(target)


async def test_single_image_is_an_oci_layout_with_a_docker_manifest(
    base: dagger.Container, target: Path
) -> None:
    archive = await exported(base, target)
    assert archive.json("oci-layout") == {"imageLayoutVersion": "1.0.0"}
    (manifest,) = archive.manifests()
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    (docker,) = archive.json("manifest.json")
    assert len(docker["Layers"]) == len(manifest["layers"])
    assert mode_of(target) == 0o600


async def test_base_layers_keep_their_digests(
    base: dagger.Container, samples: SampleImages, target: Path, registry: Any
) -> None:
    archive = await exported(base.with_new_file("/added", "x"), target)
    (manifest,) = archive.manifests()
    _, index = registry.manifest(samples.busybox)
    architecture = archive.config(manifest)["architecture"]
    (entry,) = [
        one for one in index["manifests"] if one["platform"]["architecture"] == architecture
    ]
    _, source = registry.manifest(f"test/busybox@{entry['digest']}")
    kept = [layer["digest"] for layer in manifest["layers"][:2]]
    assert kept == [layer["digest"] for layer in source["layers"]]
    assert len(manifest["layers"]) == 3


async def test_each_file_step_is_one_layer(dag: dagger.Client, target: Path) -> None:
    container = dag.container()
    for number in range(10):
        one = dag.directory().with_new_file(f"f{number}", f"{number}")
        container = container.with_directory("/", one)
    (manifest,) = (await exported(container, target)).manifests()
    assert len(manifest["layers"]) == 10


async def test_layer_holds_only_what_its_step_changed(base: dagger.Container, target: Path) -> None:
    changed = base.with_exec(["sh", "-c", "echo x > /srv-new; rm /etc/group; mkdir /d"])
    archive = await exported(changed, target)
    (manifest,) = archive.manifests()
    names = set(archive.layer_names(manifest, -1))
    assert {"srv-new", "d", "etc/.wh.group"} <= names
    assert names <= {"srv-new", "d", "etc", "etc/.wh.group"}


async def test_diff_ids_are_those_of_the_layers(base: dagger.Container, target: Path) -> None:
    archive = await exported(base.with_new_file("/f", "x"), target)
    (manifest,) = archive.manifests()
    diff_ids = archive.config(manifest)["rootfs"]["diff_ids"]
    assert len(diff_ids) == len(manifest["layers"])
    for number, diff_id in enumerate(diff_ids):
        tar = gzip.decompress(archive.layer(manifest, number))
        assert f"sha256:{hashlib.sha256(tar).hexdigest()}" == diff_id
        assert len(archive.layer(manifest, number)) == manifest["layers"][number]["size"]


async def test_config_carries_the_settings_and_nothing_secret(
    dag: dagger.Client, base: dagger.Container, target: Path, nonce: str
) -> None:
    container = (
        base.with_entrypoint(["/bin/run"])
        .with_default_args(["a"])
        .with_env_variable("PLAIN", "p")
        .with_secret_variable("HIDDEN", dag.set_secret(nonce, "hidden-value"))
        .with_volatile_variable("VOLATILE", "v")
        .with_mounted_directory("/m", dag.directory())
        .with_user("app")
        .with_workdir("/srv")
        .with_label("l", "v")
        .with_exposed_port(80)
    )
    archive = await exported(container, target)
    (manifest,) = archive.manifests()
    config = archive.config(manifest)["config"]
    assert config["Entrypoint"] == ["/bin/run"]
    assert config["Cmd"] == ["a"]
    assert config["User"] == "app"
    assert config["WorkingDir"] == "/srv"
    assert config["Labels"] == {"l": "v"}
    assert config["ExposedPorts"] == {"80/tcp": {}}
    assert "PLAIN=p" in config["Env"]
    assert not [one for one in config["Env"] if one.startswith(("HIDDEN", "VOLATILE"))]
    assert not [name for name in archive.members if b"hidden-value" in archive.members[name]]


async def test_mounts_and_caches_are_not_exported(
    dag: dagger.Client, base: dagger.Container, target: Path, nonce: str
) -> None:
    container = base.with_mounted_directory("/m", dag.directory())
    container = container.with_mounted_cache("/c", dag.cache_volume(nonce))
    done = container.with_exec(["sh", "-c", "touch /m/x /c/x /kept"])
    archive = await exported(done, target)
    (manifest,) = archive.manifests()
    assert archive.layer_names(manifest, -1) == ["kept"]


async def test_empty_image_has_no_layers(dag: dagger.Client, target: Path) -> None:
    archive = await exported(dag.container().with_env_variable("A", "1"), target)
    (manifest,) = archive.manifests()
    assert manifest["layers"] is None


@pytest.mark.parametrize(
    ("compression", "suffix"),
    [
        (ImageLayerCompression.GZIP, "tar+gzip"),
        (ImageLayerCompression.ZSTD, "tar+zstd"),
        (ImageLayerCompression.UNCOMPRESSED, "tar"),
    ],
)
async def test_compression_can_be_forced(
    base: dagger.Container, target: Path, compression: ImageLayerCompression, suffix: str
) -> None:
    archive = await exported(base, target, forced_compression=compression)
    (manifest,) = archive.manifests()
    types = {
        layer["mediaType"].removeprefix("application/vnd.oci.image.layer.v1.")
        for layer in manifest["layers"]
    }
    assert types == {suffix}


async def test_docker_media_types_on_request(base: dagger.Container, target: Path) -> None:
    archive = await exported(base, target, media_types=ImageMediaTypes.DOCKER)
    (manifest,) = archive.manifests()
    assert manifest["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert {layer["mediaType"] for layer in manifest["layers"]} == {
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    }


async def test_several_platforms_are_a_nested_index(
    dag: dagger.Client, samples: SampleImages, target: Path
) -> None:
    variants = [
        dag.container(platform=Platform(f"linux/{name}")).from_(samples.busybox)
        for name in ("arm64", "amd64")
    ]
    archive = await exported(dag.container(), target, platform_variants=variants)
    assert "manifest.json" not in archive.members
    (nested,) = archive.json("index.json")["manifests"]
    assert nested["mediaType"] == "application/vnd.oci.image.index.v1+json"
    found = [archive.config(manifest)["architecture"] for manifest in archive.manifests()]
    assert found == ["amd64", "arm64"]


async def test_same_container_gives_the_same_bytes(base: dagger.Container, tmp_path: Path) -> None:
    container = base.with_new_file("/f", "x")
    one = await exported(container, tmp_path / "1.tar")
    two = await exported(container, tmp_path / "2.tar")
    assert one.manifests() == two.manifests()


async def test_tarball_is_a_file_called_container_tar(base: dagger.Container) -> None:
    tarball = base.as_tarball()
    assert await tarball.name() == "container.tar"
    said = await output(base.with_mounted_file("/i.tar", tarball), "tar -tf /i.tar | grep layout")
    assert said == "oci-layout\n"


async def test_export_makes_parents_and_refuses_a_directory(
    base: dagger.Container, tmp_path: Path
) -> None:
    await exported(base, tmp_path / "a" / "b" / "image.tar")
    with pytest.raises(dagger.QueryError):
        await base.export(str(tmp_path))


async def test_archive_is_read_by_other_tools(base: dagger.Container, target: Path) -> None:
    skopeo = need("skopeo", package="skopeo")
    await base.with_label("seen", "yes").export(str(target))
    for transport in ("oci-archive", "docker-archive"):
        words = [skopeo, "inspect", "--config", f"{transport}:{target}"]
        config = json.loads((await anyio.run_process(words)).stdout)["config"]
        assert config["Labels"] == {"seen": "yes"}


async def test_tarball_comes_back_by_import(dag: dagger.Client, base: dagger.Container) -> None:
    tarball = base.with_new_file("/mark", "m").with_label("l", "v").as_tarball()
    back = dag.container().import_(tarball)
    assert await back.label("l") == "v"
    assert await back.with_exec(["cat", "/mark"]).stdout() == "m"


async def test_import_chooses_the_platform(dag: dagger.Client, samples: SampleImages) -> None:
    variants = [
        dag.container(platform=Platform(f"linux/{name}"))
        .from_(samples.busybox)
        .with_new_file("/arch", name)
        for name in ("amd64", "arm64")
    ]
    tarball = dag.container().as_tarball(platform_variants=variants)
    for name in ("amd64", "arm64"):
        back = dag.container(platform=Platform(f"linux/{name}")).import_(tarball)
        assert await back.file("/arch").contents() == name


async def test_docker_archive_of_another_tool_is_imported(
    dag: dagger.Client, samples: SampleImages, tmp_path: Path
) -> None:
    skopeo = need("skopeo", package="skopeo")
    path = tmp_path / "docker.tar"
    words = [skopeo, "copy", "-q", "--src-tls-verify=false", f"docker://{samples.configured}"]
    await anyio.run_process([*words, f"docker-archive:{path}:test/image:tagged"])
    back = dag.container().import_(dag.host().file(str(path)))
    assert await back.label("kind") == "configured"
    assert await back.directory("/srv/sub").entries() == ["new.txt"]


async def test_file_that_is_no_image_is_refused(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError):
        await settle(dag.container().import_(dag.file("x.tar", "no image")))

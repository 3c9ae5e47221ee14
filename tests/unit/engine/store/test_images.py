from __future__ import annotations

import base64
import json
import subprocess
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError, RegistryError
from keelway.engine.store.descriptor import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from keelway.engine.store.images import Image
from keelway.engine.store.layout import OutImage
from keelway.engine.store.store import Store
from keelway.engine.store.tree import tree_digest
from tests.support.registry import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from keelway.engine.store.descriptor import LayerBlob
    from tests.support.registry import Registry

    MakeLayer = Callable[[dict[str, str | bytes | None]], str]

CONFIG: dict[str, object] = {"config": {"Cmd": ["serve"], "Env": ["A=b"], "Labels": {"l": "1"}}}


@pytest.fixture
def blobs(store: Store, make_layer: MakeLayer) -> list[LayerBlob]:
    layers = [make_layer({"etc/base": "1"}), make_layer({"app": "2" * 100_000})]
    return [store.layers.to_blob(layer, epoch=0) for layer in layers]


def image(platform: str, layers: list[LayerBlob], **more: object) -> OutImage:
    return OutImage(platform=platform, config=CONFIG | more, layers=layers)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """Return another store, which has nothing yet."""
    with Store.open(tmp_path / "other") as opened:
        yield opened


def skopeo_inspect(name: str) -> dict[str, object]:
    done = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{name}"],
        check=True,
        capture_output=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_two_platforms_go_there_and_back(
    store: Store, other: Store, address: str, blobs: list[LayerBlob]
) -> None:
    name = f"{address}/demo/two:1"
    images = [image("linux/arm64", blobs), image("linux/amd64", blobs[:1])]
    pushed = store.images.push(images, name)
    index = skopeo_inspect(name)
    assert index["mediaType"] == OCI_INDEX
    manifests = index["manifests"]
    assert isinstance(manifests, list)
    assert [m["platform"]["architecture"] for m in manifests] == ["amd64", "arm64"]

    found = other.images.resolve(name, "linux/arm64")
    assert found.reference == pushed == f"{name}@{found.index_digest}"
    assert found.digest == manifests[1]["digest"]
    assert found.platform == "linux/arm64"
    assert found.config["config"] == CONFIG["config"]
    assert [layer.digest for layer in found.layers] == [blob.digest for blob in blobs]
    other.images.pull(found)
    layers = other.layers.from_blobs(found.layers)
    assert [other.layers.to_blob(layer) for layer in layers] == blobs
    assert tree_digest(other.layers.path(layers[1])) == tree_digest(
        store.layers.path(store.layers.from_blobs(found.layers)[1])
    )
    assert Image.from_json(found.to_json()) == found


def test_pushing_again_gives_the_same_digest(
    store: Store, address: str, blobs: list[LayerBlob]
) -> None:
    one = store.images.push([image("linux/amd64", blobs)], f"{address}/demo/same:1", epoch=5)
    two = store.images.push([image("linux/amd64", blobs)], f"{address}/demo/same:2", epoch=5)
    assert one.partition("@")[2] == two.partition("@")[2]


def test_without_a_tag_latest_is_pushed_and_not_said(
    store: Store, address: str, blobs: list[LayerBlob]
) -> None:
    pushed = store.images.push([image("linux/amd64", blobs)], f"{address}/demo/untagged")
    assert pushed.startswith(f"{address}/demo/untagged@sha256:")
    assert skopeo_inspect(f"{address}/demo/untagged:latest")["mediaType"] == OCI_MANIFEST


def test_docker_media_types(
    store: Store, other: Store, address: str, blobs: list[LayerBlob]
) -> None:
    name = f"{address}/demo/docker:1"
    images = [image("linux/amd64", blobs), image("linux/arm64", blobs)]
    store.images.push(images, name, docker=True)
    found = other.images.resolve(name, "linux/amd64")
    assert {layer.media_type for layer in found.layers} == {
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    }
    one = f"{address}/demo/docker:one"
    store.images.push(images[:1], one, docker=True)
    assert skopeo_inspect(one)["mediaType"] == DOCKER_MANIFEST
    other.images.pull(found)
    layers = other.layers.from_blobs(found.layers)
    assert [other.layers.to_blob(layer).digest for layer in layers] == [b.digest for b in blobs]


@pytest.mark.parametrize("compression", ["zstd", "uncompressed"])
def test_compression_is_kept(
    store: Store, other: Store, address: str, make_layer: MakeLayer, compression: str
) -> None:
    blob = store.layers.to_blob(make_layer({"f": "x" * 9000}), compression=compression)
    name = f"{address}/demo/{compression}:1"
    store.images.push([image("linux/amd64", [blob])], name)
    found = other.images.resolve(name, "linux/amd64")
    other.images.pull(found)
    assert other.layers.to_blob(other.layers.from_blobs(found.layers)[0]) == blob


def test_an_image_without_layers(store: Store, other: Store, address: str) -> None:
    name = f"{address}/demo/empty:1"
    store.images.push([image("linux/amd64", [])], name)
    assert skopeo_inspect(name)["layers"] is None
    found = other.images.resolve(name, "linux/amd64")
    other.images.pull(found)
    assert found.layers == ()


def test_many_pull_at_once(
    store: Store, other: Store, address: str, blobs: list[LayerBlob]
) -> None:
    name = f"{address}/demo/many:1"
    store.images.push([image("linux/amd64", blobs)], name)

    def bring(_: int) -> tuple[str, ...]:
        found = other.images.resolve(name, "linux/amd64")
        other.images.pull(found)
        return other.layers.from_blobs(found.layers)

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(bring, range(8)))) == 1


def test_a_digest_that_is_here_needs_no_registry(
    store: Store, address: str, blobs: list[LayerBlob]
) -> None:
    pushed = store.images.push([image("linux/amd64", blobs)], f"{address}/demo/here:1")
    elsewhere = "nowhere.invalid/demo/here@" + pushed.partition("@")[2]
    found = store.images.resolve(elsewhere, "linux/amd64")
    store.images.pull(found)
    assert [layer.digest for layer in found.layers] == [blob.digest for blob in blobs]


def test_errors_of_registries(
    store: Store, address: str, blobs: list[LayerBlob], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keelway.engine.store.skopeo._PAUSES_S", (0.01, 0.01))
    store.images.push([image("linux/amd64", blobs)] * 1, f"{address}/demo/one:1")
    images = [image("linux/amd64", blobs), image("linux/arm/v6", blobs)]
    store.images.push(images, f"{address}/demo/pair:1")
    with pytest.raises(RegistryError, match=f"not found in the registry {address}"):
        store.images.resolve(f"{address}/demo/one:2", "linux/amd64")
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:1 was not reached in 3 tries"):
        store.images.resolve("127.0.0.1:1/demo/one:2", "linux/amd64")
    with pytest.raises(EngineError, match=r"it has linux/amd64, linux/arm/v6"):
        store.images.resolve(f"{address}/demo/pair:1", "linux/s390x")
    older = store.images.resolve(f"{address}/demo/pair:1", "linux/arm/v7")
    assert older.platform == "linux/arm/v6"


def test_a_login_is_used(
    store: Store, other: Store, closed_registry: Registry, blobs: list[LayerBlob]
) -> None:
    name = f"{closed_registry.address}/demo/closed:1"
    images = [image("linux/amd64", blobs)]
    with pytest.raises(RegistryError, match="refused access"):
        store.images.push(images, name)
    login = {closed_registry.address: (USER, PASSWORD)}
    store.images.push(images, name, login)
    found = other.images.resolve(name, "linux/amd64", login)
    other.images.pull(found)
    assert [layer.digest for layer in found.layers] == [blob.digest for blob in blobs]


class Guarded(BaseHTTPRequestHandler):
    """A registry's door: first it is too busy, then it wants a login."""

    busy = 2
    seen: list[str | None]

    def do_GET(self) -> None:
        kind = type(self)
        kind.seen.append(self.headers["Authorization"])
        if kind.busy:
            kind.busy -= 1
            self.send_response(503)
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="door"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


def test_logins_are_sent_and_never_shown(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("keelway.engine.store.skopeo._PAUSES_S", (0.01, 0.01))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"auths": {"example.org": {"auth": "eDp5"}}}')
    Guarded.seen = []
    with HTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            door = f"127.0.0.1:{server.server_port}"
            with pytest.raises(RegistryError, match="refused access") as caught:
                store.images.resolve(f"{door}/x:1", "linux/amd64", {door: ("robot", "hidden-word")})
        finally:
            server.shutdown()
            thread.join()
    assert "hidden-word" not in str(caught.value)
    assert "Basic " + base64.b64encode(b"robot:hidden-word").decode() in Guarded.seen
    left = subprocess.run(["grep", "-rl", "hidden-word", store.root], check=False)
    assert left.returncode == 1


@pytest.mark.parametrize("count", [1, 2])
def test_tarballs_go_there_and_back(
    store: Store, other: Store, tmp_path: Path, blobs: list[LayerBlob], count: int
) -> None:
    images = [image("linux/arm64", blobs), image("linux/amd64", blobs)][:count]
    path = tmp_path / "image.tar"
    root = store.images.write_tar(images, path, tag="v1", epoch=7)
    store.images.write_tar(images, tmp_path / "again.tar", tag="v1", epoch=7)
    assert path.read_bytes() == (tmp_path / "again.tar").read_bytes()
    with tarfile.open(path) as tar:
        names = tar.getnames()
    assert ("manifest.json" in names) is (count == 1)
    assert {"oci-layout", "index.json", "blobs/sha256"} <= set(names)
    found = other.images.read_tar(path, platform="linux/arm64")
    assert found.config["created"] == "1970-01-01T00:00:07Z"
    assert (found.digest == root.digest) is (count == 1)
    other.images.pull(found)
    layers = other.layers.from_blobs(found.layers)
    assert [other.layers.to_blob(layer) for layer in layers] == blobs
    with pytest.raises(EngineError, match="no image with the tag"):
        other.images.read_tar(path, tag="v2", platform="linux/arm64")


def test_what_docker_save_writes_is_read(
    store: Store, other: Store, tmp_path: Path, blobs: list[LayerBlob]
) -> None:
    store.images.write_tar([image("linux/amd64", blobs)], tmp_path / "one.tar", tag="demo:v1")
    subprocess.run(
        ["skopeo", "copy", "-q", f"oci-archive:{tmp_path}/one.tar:demo:v1",
         f"docker-archive:{tmp_path}/saved.tar:demo:v1"],
        check=True,
    )  # fmt: skip
    found = other.images.read_tar(tmp_path / "saved.tar", tag="v1", platform="linux/amd64")
    assert [layer.digest for layer in found.layers] == [blob.diff_id for blob in blobs]
    assert found.config["config"] == CONFIG["config"]
    other.layers.from_blobs(found.layers)


def test_a_tarball_of_something_else(store: Store, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("hello"))
    with pytest.raises(EngineError, match=r"neither index\.json"):
        store.images.read_tar(tmp_path / "x.tar", platform="linux/amd64")
    (tmp_path / "y.tar").write_text("no tar")
    with pytest.raises(EngineError, match="can't be read"):
        store.images.read_tar(tmp_path / "y.tar", platform="linux/amd64")


def test_a_layout_is_read_by_skopeo(store: Store, tmp_path: Path, blobs: list[LayerBlob]) -> None:
    store.images.write_layout([image("linux/amd64", blobs)], tmp_path / "layout", tag="v1")
    done = subprocess.run(
        ["skopeo", "inspect", f"oci:{tmp_path}/layout:v1"], check=True, capture_output=True
    )
    assert json.loads(done.stdout)["Layers"] == [blob.digest for blob in blobs]


def test_what_can_not_be_written(store: Store, tmp_path: Path, blobs: list[LayerBlob]) -> None:
    with pytest.raises(EngineError, match="no containers to export"):
        store.images.write_tar([], tmp_path / "x.tar")
    twice = [image("linux/arm64", blobs), image("linux/arm64/v8", blobs)]
    with pytest.raises(EngineError, match="duplicate platform"):
        store.images.write_tar(twice, tmp_path / "x.tar")


def test_history_has_one_entry_a_layer(
    store: Store, other: Store, tmp_path: Path, blobs: list[LayerBlob]
) -> None:
    base = [{"created_by": "base"}, {"created_by": "ENV", "empty_layer": True}]
    store.images.write_tar([image("linux/amd64", blobs, history=base)], tmp_path / "x.tar")
    history = other.images.read_tar(tmp_path / "x.tar", platform="linux/amd64").config["history"]
    assert isinstance(history, list)
    assert history[:2] == base
    assert [entry.get("created_by") for entry in history] == ["base", "ENV", "keelway"]

"""Who signed a cache is asked before anything of it is used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from keelway.caches.layout import ARTIFACT, INDEX, MANIFEST, SIGNATURE, Layout, believe
from keelway.errors import StageError
from keelway.registry.content import Manifest, serialize

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY, OTHER = "k" * 32, "o" * 32


def descriptor(name: str, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{name * 64}", "size": 3}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A folder with a cache that nobody signed."""
    made = Layout(tmp_path / "cache")
    made.put(manifest())
    return made


def manifest() -> Manifest:
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTIFACT,
        "config": descriptor("a", INDEX),
        "layers": [descriptor("b", "application/octet-stream")],
    }
    return Manifest.parse(serialize(document), MANIFEST)


def test_who_has_the_key_believes_it(layout: Layout) -> None:
    signed = layout.sign(KEY)
    assert layout.manifest() == signed
    believe(signed, KEY, where="here")
    assert len(list((layout.folder / "blobs" / "sha256").iterdir())) == 1
    assert layout.sign(KEY).digest == signed.digest, "signed again it is the same"


def test_another_key_and_none_are_refused(layout: Layout) -> None:
    with pytest.raises(StageError, match=r"the cache of here is not signed"):
        believe(layout.manifest(), KEY, where="here")
    with pytest.raises(StageError, match="not signed by"):
        believe(layout.sign(OTHER), KEY, where="here")


def another_layer(document: dict[str, Any]) -> None:
    document["layers"][0]["digest"] = f"sha256:{'c' * 64}"


def one_more(document: dict[str, Any]) -> None:
    document["layers"].append(descriptor("d", "application/octet-stream"))


def another_list(document: dict[str, Any]) -> None:
    document["config"]["digest"] = f"sha256:{'e' * 64}"


def said_beside(document: dict[str, Any]) -> None:
    document["annotations"]["more"] = "x"


@pytest.mark.parametrize("change", [another_layer, one_more, another_list, said_beside])
def test_whatever_is_changed_is_seen(
    layout: Layout, change: Callable[[dict[str, Any]], None]
) -> None:
    document = json.loads(layout.sign(KEY).data)
    assert document["annotations"][SIGNATURE].startswith("hmac-sha256:")
    change(document)
    forged = Manifest.parse(serialize(document), MANIFEST)
    with pytest.raises(StageError, match="not signed by"):
        believe(forged, KEY, where="here")


def test_what_is_no_cache_is_told(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="there is no cache in"):
        Layout(tmp_path / "nowhere").manifest()
    place = layout.blob(layout.manifest().digest)
    whole = place.read_bytes()
    place.write_bytes(whole[:-1] + b" ")
    with pytest.raises(StageError, match="no cache that can be read") as caught:
        layout.manifest()
    assert caught.value.why == "its manifest is damaged"
    layout.put(Manifest.parse(whole.replace(b"cache.index.v1", b"cache.index.v9"), MANIFEST))
    with pytest.raises(StageError) as caught:
        layout.manifest()
    assert "a form that this version does not know" in str(caught.value.why)

"""What is read from an image's archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.model.platform import AMD64
from keelway.policy.content import Tree, UnreadableImageError, read_content
from keelway.policy.image_rules import measured
from keelway.policy.package_managers import package_managers
from tests.support.image_archive import LAYER, archive, layer

if TYPE_CHECKING:
    from pathlib import Path


def tree(tmp_path: Path, *layers: bytes) -> Tree:
    return read_content(archive(tmp_path / "image.tar", *layers)).tree


def test_sizes_are_those_of_the_files_unpacked(tmp_path: Path) -> None:
    layers = (layer(a=100, b=20), layer(c=300))
    content = read_content(archive(tmp_path / "image.tar", *layers, config={"User": "app"}))
    measure = measured("orders", AMD64, content)
    assert (measure.size_bytes, measure.largest_layer_bytes, measure.layers) == (420, 300, 2)
    assert measure.compressed_bytes == sum(len(data) for data in layers)
    assert content.config == {"User": "app"}


@pytest.mark.parametrize(
    ("upper", "wasted", "left"),
    [
        ({"d/a": 5}, 100, {"d", "d/a", "d/b"}),
        ({"d/.wh.a": 0}, 100, {"d", "d/b"}),
        ({".wh.d": 0}, 120, set[str]()),
        ({"d": None, "d/new": 7, "d/.wh..wh..opq": 0}, 120, {"d", "d/new"}),
        ({"d": "elsewhere"}, 120, {"d"}),
    ],
    ids=["replaced", "removed", "folder removed", "folder emptied", "folder made a link"],
)
def test_what_a_later_layer_hides_is_wasted(
    tmp_path: Path, upper: dict[str, int | str | None], wasted: int, left: set[str]
) -> None:
    files = tree(tmp_path, layer(**{"d": None, "d/a": 100, "d/b": 20}), layer(**upper))
    assert files.wasted_bytes == wasted
    assert set(files.entries) == left


def test_nothing_is_wasted_within_a_layer(tmp_path: Path) -> None:
    assert tree(tmp_path, layer(a=100), layer(b=20)).wasted_bytes == 0


def test_package_managers_that_run(tmp_path: Path) -> None:
    files = tree(
        tmp_path,
        layer(
            **{
                "bin": "usr/bin",
                "usr/bin": None,
                "usr/bin/apt": 9,
                "usr/bin/dpkg": 9,
                "usr/bin/apk": "/bin/busybox",
                "usr/bin/busybox": 9,
                "usr/local/bin/npm": "../lib/gone",
                "usr/lib/npm": None,
                "opt/venv/bin/pip3.11": 9,
            }
        ),
        layer(**{"usr/bin/.wh.apt": 0}),
    )
    assert package_managers(files) == ("/opt/venv/bin/pip3.11", "/usr/bin/apk", "/usr/bin/dpkg")


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    assert package_managers(tree(tmp_path, layer(apt="b", b="apt"))) == ()


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"no archive")
    with pytest.raises(UnreadableImageError, match="not an OCI archive"):
        read_content(tmp_path / "image.tar")


def test_a_layer_by_zstd_is_named(tmp_path: Path) -> None:
    zstd = archive(tmp_path / "image.tar", b"x", media_type=LAYER.replace("gzip", "zstd"))
    with pytest.raises(UnreadableImageError, match="zstd"):
        read_content(zstd)


def test_a_cut_layer_is_refused(tmp_path: Path) -> None:
    cut = archive(tmp_path / "image.tar", layer(a=100_000)[:60])
    with pytest.raises(UnreadableImageError):
        read_content(cut)

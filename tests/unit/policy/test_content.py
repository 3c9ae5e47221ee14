"""What is read from an image's archive."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from keelway.model.platform import AMD64
from keelway.policy.budget import Budget
from keelway.policy.content import (
    MAKER_CHARACTERS,
    ImageContent,
    Tree,
    UnreadableImageError,
    read_content,
)
from keelway.policy.image_rules import broken_by, measured
from keelway.policy.package_managers import package_managers
from tests.support.image_archive import archive, layer

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


def test_each_layer_has_its_size_and_what_made_it(tmp_path: Path) -> None:
    history = [
        {"created_by": "ADD rootfs.tar /"},
        {"created_by": "ENV A=b", "empty_layer": True},
        {"created_by": f"RUN {'x' * 5000}"},
    ]
    layers = (layer(a=100, b=20), layer(c=300))
    content = read_content(archive(tmp_path / "image.tar", *layers, history=history))
    lower, upper = measured("orders", AMD64, content).by_layer
    assert (lower.size_bytes, lower.compressed_bytes) == (120, len(layers[0]))
    assert lower.created_by == "ADD rootfs.tar /"
    assert upper.size_bytes == 300
    assert upper.created_by is not None
    assert len(upper.created_by) == MAKER_CHARACTERS


def test_a_history_that_does_not_fit_tells_nothing(tmp_path: Path) -> None:
    layers = (layer(a=100), layer(c=300))
    content = read_content(
        archive(tmp_path / "image.tar", *layers, history=[{"created_by": "RUN one"}])
    )
    assert [one.created_by for one in content.layers] == [None, None]


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


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x28\xb5\x2f\xfd" + b"x" * 600, "is compressed by zstd"),
        (b"\x50\x2a\x4d\x18" + b"x" * 600, "is compressed by zstd"),
        (b"encrypted" * 80, "is packed in an unknown way"),
    ],
    ids=["zstd", "zstd in chunks", "encrypted"],
)
def test_a_layer_that_is_not_read_leaves_what_the_config_says(
    tmp_path: Path, data: bytes, said: str
) -> None:
    odd = archive(
        tmp_path / "image.tar", layer(a=100), data, config={"User": "app"}, media_type="odd/type"
    )
    content = read_content(odd)
    assert content.unread is not None
    assert said in content.unread
    assert "odd/type" in content.unread
    assert (content.config, content.tree.entries) == ({"User": "app"}, {})
    measure = measured("orders", AMD64, content)
    shown = broken_by(content, measure, budget=Budget(size="1"), released=None)
    assert [rule for rule, _ in shown] == ["user-not-root", "healthcheck"]


def test_a_foreign_layer_is_not_there(tmp_path: Path) -> None:
    whole = archive(tmp_path / "image.tar", layer(a=100))
    cut = tmp_path / "cut.tar"
    with tarfile.open(whole) as old, tarfile.open(cut, "w") as new:
        for member in old:
            data = old.extractfile(member)
            assert data is not None
            content = data.read()
            if not content.startswith(b"\x1f\x8b"):
                new.addfile(member, io.BytesIO(content))
    assert "is not in the image's archive" in (read_content(cut).unread or "")


@pytest.mark.parametrize("packed", ["w:", "w:bz2", "w:xz"])
def test_other_forms_of_tar_are_read(tmp_path: Path, packed: str) -> None:
    """`application/vnd.oci.image.layer.v1.tar` is not compressed; some registries hold others."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=packed) as tar:  # type: ignore[call-overload]  # the mode is a parameter
        member = tarfile.TarInfo("a")
        member.size = 7
        tar.addfile(member, io.BytesIO(b"x" * 7))
    content = read_content(archive(tmp_path / "image.tar", held.getvalue(), media_type="x"))
    assert (content.unread, set(content.tree.entries)) == (None, {"a"})


def test_a_cut_layer_is_refused(tmp_path: Path) -> None:
    cut = archive(tmp_path / "image.tar", layer(a=100_000)[:60])
    with pytest.raises(UnreadableImageError):
        read_content(cut)


def test_what_was_read_is_the_same_when_it_was_kept(tmp_path: Path) -> None:
    history = [{"created_by": "ADD rootfs.tar /"}, {"created_by": "RUN rm a"}]
    layers = (layer(a=100, b=20), layer(**{".wh.a": 0}))
    read = read_content(
        archive(tmp_path / "image.tar", *layers, config={"User": "app"}, history=history)
    )
    kept = ImageContent.from_data(json.loads(json.dumps(read.to_data())))
    assert kept.to_data() == read.to_data()
    assert (kept.config, kept.layers, kept.unread) == (read.config, read.layers, read.unread)
    assert (kept.tree.entries, kept.size_bytes) == (read.tree.entries, read.size_bytes)
    assert measured("orders", AMD64, kept) == measured("orders", AMD64, read)

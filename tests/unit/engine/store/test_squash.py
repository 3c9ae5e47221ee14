"""Squashing, compared with what overlayfs itself makes of the same layers."""

from __future__ import annotations

import os
import random
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.missing import missing, need

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from keelway.engine.store.store import Store

    MakeLayer = Callable[[dict[str, str | bytes | None]], str]

_LIST = (
    r"find . -mindepth 1 -printf '%y %m %P %l ' \( -type f -exec cat {} ';' -o -true \) "
    r"-printf '\n' | sort"
)


def merged(store: Store, layers: Sequence[str], target: Path) -> list[str]:
    """Return what overlayfs shows of layers, bottom first."""
    target.mkdir(exist_ok=True)
    empty = target.parent / "empty"
    empty.mkdir(exist_ok=True)
    lowers = [str(store.layers.path(layer)) for layer in reversed(layers)] + [str(empty)]
    script = (
        f'mount -t overlay -o userxattr,lowerdir="{":".join(lowers)}" none "{target}" '
        f'&& cd "{target}" && {_LIST}'
    )
    user = [] if os.geteuid() == 0 else ["-Ur"]
    done = subprocess.run(
        ["unshare", *user, "-m", "sh", "-c", script], check=False, capture_output=True, text=True
    )
    if "mount:" in done.stderr:
        missing(f"a kernel that mounts overlayfs here ({done.stderr.strip()})")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def hide(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))


def test_a_squashed_stack_is_links(store: Store, make_layer: MakeLayer) -> None:
    one, two = make_layer({"a": "1", "b": "1"}), make_layer({"b": "2"})
    squashed = store.layers.squash([one, two])
    path = store.layers.path(squashed)
    assert (path / "a").read_text() + (path / "b").read_text() == "12"
    assert (path / "a").stat().st_ino == (store.layers.path(one) / "a").stat().st_ino
    assert store.layers.squash([one, two]) == squashed
    assert store.layers.squash([two, one]) != squashed
    assert store.layers.squash([one, two], below=()) != squashed


def test_what_hides_nothing_is_dropped_when_that_is_known(
    store: Store, make_layer: MakeLayer, tmp_path: Path
) -> None:
    one = make_layer({"d/x": "1", "d/y": "1"})
    two = make_layer({})
    hide(store.layers.path(two) / "d/x")
    over_nothing = store.layers.squash([one, two], below=[])
    assert os.listdir(store.layers.path(over_nothing) / "d") == ["y"]  # noqa: PTH208 - names alone are asked for
    base = make_layer({"d/x": "0"})
    over_base = store.layers.squash([one, two], below=[base])
    assert merged(store, [base, over_base], tmp_path / "m") == merged(
        store, [base, one, two], tmp_path / "n"
    )
    unknown = store.layers.squash([one, two])
    assert stat.S_ISCHR((store.layers.path(unknown) / "d/x").lstat().st_mode)


def random_layer(store: Store, rng: random.Random) -> str:
    """Make a layer as a container or an image could: files, links, directories, marks."""
    work = store.new_work("random")
    work.chmod(0o755)

    def fill_folder(folder: Path, depth: int) -> None:
        for name in rng.sample("abcd", rng.randint(1, 3)):
            path = folder / name
            kind = rng.choice(["file", "directory", "directory", "link", "whiteout"])
            if kind == "file":
                path.write_text(str(rng.random()))
                path.chmod(rng.choice([0o644, 0o600, 0o755]))
            elif kind == "link":
                path.symlink_to(rng.choice(["a", "b/c", "/d"]))
            elif kind == "whiteout":
                hide(path)
            else:
                path.mkdir(mode=0o755)
                path.chmod(rng.choice([0o755, 0o700]))
                if rng.random() < 0.25:
                    os.setxattr(path, "user.overlay.opaque", b"y")
                if depth < 3:
                    fill_folder(path, depth + 1)

    fill_folder(work, 0)
    return store.layers.commit(work)


def consistent(store: Store, layers: list[str]) -> None:
    """Remove marks that hide nothing from real layers, as overlayfs never makes such."""
    for number, layer in enumerate(layers):
        below = layers[:number]
        clean = store.layers.squash([layer], below=below)
        layers[number] = clean


@pytest.mark.parametrize("seed", range(25))
def test_squashing_any_run_of_layers_changes_nothing(
    store: Store, tmp_path: Path, seed: int
) -> None:
    need("unshare", package="util-linux")
    rng = random.Random(seed)  # noqa: S311 - for repeatable trees
    layers = [random_layer(store, rng) for _ in range(rng.randint(2, 6))]
    consistent(store, layers)
    first = rng.randrange(len(layers))
    last = rng.randint(first + 1, len(layers))
    squashed = store.layers.squash(layers[first:last], below=layers[:first])
    fewer = [*layers[:first], squashed, *layers[last:]]
    expected = merged(store, layers, tmp_path / "expected")
    assert merged(store, fewer, tmp_path / "found") == expected

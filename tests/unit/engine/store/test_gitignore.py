from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.support.missing import need

if TYPE_CHECKING:
    from pathlib import Path

    from keelway.engine.store.store import Store


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def taken(store: Store, folder: Path) -> set[str]:
    layer = store.host.snapshot(folder, gitignore=True).layers[0]
    root = store.layers.path(layer)
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}


TREE = {
    ".gitignore": "*.log\n/build/\n!keep.log\nnode_modules/\n# comment\ndocs/*.tmp\n",
    "a.log": "",
    "keep.log": "",
    "build/x": "",
    "src/build/x": "",
    "src/.gitignore": "!special.log\n*.o\n",
    "src/special.log": "",
    "src/other.log": "",
    "src/m.o": "",
    "src/deep/node_modules/x": "",
    "docs/a.tmp": "",
    "docs/sub/a.tmp": "",
    "m.o": "",
}


def test_it_leaves_out_what_git_leaves_out(store: Store, tmp_path: Path) -> None:
    need("git", package="git")
    folder = tmp_path / "repo"
    write(folder, TREE)
    subprocess.run(["git", "init", "-q", folder], check=True)
    listed = subprocess.run(
        ["git", "-C", folder, "ls-files", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    found = {name for name in taken(store, folder) if not name.startswith(".git/")}
    assert found == set(listed)


def test_rules_of_the_repository_around_a_folder_hold(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    write(folder, TREE)
    (folder / ".git").mkdir()
    assert taken(store, folder / "src") == {".gitignore", "build/x", "special.log"}


def test_without_a_repository_rules_above_do_not_hold(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    write(folder, TREE)
    found = taken(store, folder / "src")
    assert "other.log" in found
    assert "m.o" not in found
    assert "deep/node_modules/x" in found

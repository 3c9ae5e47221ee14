"""Who `user[:group]` is, in the tree's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.run.inroot import Root
from keelway.engine.run.users import User, lookup

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
# a comment:x:9:9::/:/bin/sh
broken line
app:x:1000:50:app:/home/app:/bin/sh
12:x:7:7:a name of digits:/:/bin/sh
bad:x:seven:7::/:/bin/sh
"""
GROUP = """\
root:x:0:root
staff:x:50:app
audio:x:29:root,app
"""


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text(ACCOUNTS)
    (tmp_path / "etc" / "group").write_text(GROUP)
    return Root(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", User(uid=0, gid=0, groups=(0, 29), home="/root")),
        ("root", User(uid=0, gid=0, groups=(0, 29), home="/root")),
        ("app", User(uid=1000, gid=50, groups=(50, 29), home="/home/app")),
        ("1000", User(uid=1000, gid=50, groups=(50, 29), home="/home/app")),
        ("app:audio", User(uid=1000, gid=29, home="/home/app")),
        ("app:77", User(uid=1000, gid=77, home="/home/app")),
        ("4242", User(uid=4242, gid=0)),
        ("4242:staff", User(uid=4242, gid=50)),
        ("12", User(uid=7, gid=7, home="/")),
    ],
)
def test_who_a_process_runs_as(root: Root, text: str, expected: User) -> None:
    assert lookup(root, text) == expected


def test_an_owner_without_a_group_gets_the_number_of_the_user(root: Root) -> None:
    assert lookup(root, "app", fallback_gid="same").gid == 1000
    assert lookup(root, "4242", fallback_gid="same").gid == 4242


@pytest.mark.parametrize(
    ("text", "message"),
    [("nope", "no such user: nope"), ("app:nope", "no such group: nope")],
)
def test_unknown_names_are_errors(root: Root, text: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        lookup(root, text)


def test_a_tree_without_files_knows_root_and_numbers(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with Root(tmp_path / "empty") as root:
        assert lookup(root, "root").uid == 0
        assert lookup(root, "5:6") == User(uid=5, gid=6)
        with pytest.raises(EngineError, match="no such user: daemon"):
            lookup(root, "daemon")

"""Sources of `ADD` that come from elsewhere."""

from __future__ import annotations

import pytest

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.remotes import GitAddress, file_name, git_source, is_web_file

URL = "https://host.example/a/b.git"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (URL, GitAddress(address=URL)),
        (f"{URL}#main", GitAddress(address=URL, ref="main")),
        (f"{URL}#v1:docs/x/", GitAddress(address=URL, ref="v1", subdir="docs/x")),
        (f"{URL}#:../docs", GitAddress(address=URL, subdir="docs")),
        (f"{URL}?branch=b", GitAddress(address=URL, ref="refs/heads/b")),
        (f"{URL}?tag=t&subdir=d", GitAddress(address=URL, ref="refs/tags/t", subdir="d")),
        (f"{URL}?ref=r&commit=abc", GitAddress(address=URL, ref="r", checksum="abc")),
        (f"{URL}?keep-git-dir", GitAddress(address=URL, keep_git_dir=True)),
        (f"{URL}?keep-git-dir=0&submodules=false", GitAddress(address=URL, submodules=False)),
        (f"{URL}?mtime=commit&fetch-by-commit=true#m", GitAddress(address=URL, ref="m")),
        ("http://u:p@h:81/x.git", GitAddress(address="http://u:p@h:81/x.git")),
        ("git://h/x", GitAddress(address="git://h/x")),
        ("ssh://git@h:22/x#m", GitAddress(address="ssh://git@h:22/x", ref="m")),
        ("git@h.example:a/b#m:s", GitAddress(address="git@h.example:a/b", ref="m", subdir="s")),
        ("git@h.example:b.git?ref=r", GitAddress(address="git@h.example:b.git", ref="r")),
    ],
)
def test_address_of_a_repository(source: str, found: GitAddress) -> None:
    assert git_source(source) == found
    assert is_web_file(source) is False


@pytest.mark.parametrize(
    "source",
    ["https://h/x", "https://h/x.git/info", "http://h/x?a=b.git", "https://h", "http://h/#x.git"],
)
def test_other_urls_are_files(source: str) -> None:
    assert git_source(source) is None
    assert is_web_file(source) is True


@pytest.mark.parametrize("source", ["a.git", "./git@x/y", "ftp://h/x", "a:b", "dir/x@y:z", "/x"])
def test_anything_else_is_a_path_of_the_context(source: str) -> None:
    assert git_source(source) is None
    assert is_web_file(source) is False


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("x=1", 'unexpected query "x"'),
        ("ref", 'query "ref" has no value'),
        ("ref=a&ref=b", 'query "ref" has multiple values'),
        ("ref=a&branch=b", 'ref conflicts: "a" vs "refs/heads/b"'),
        ("mtime=now", 'invalid mtime value: "now"'),
        ("submodules=maybe", 'invalid submodules value: "maybe"'),
    ],
)
def test_query_that_makes_no_sense_is_told(query: str, told: str) -> None:
    with pytest.raises(SyntaxProblem, match=told):
        git_source(f"{URL}?{query}")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/b.txt?x=/y#z", "b.txt"),
        ("http://h/a/", "a"),
        ("http://h/a%20b", "a b"),
        ("http://h/", "__unnamed__"),
        ("http://h", "__unnamed__"),
        ("http://h/..", "__unnamed__"),
    ],
)
def test_name_of_a_download(url: str, name: str) -> None:
    assert file_name(url) == name

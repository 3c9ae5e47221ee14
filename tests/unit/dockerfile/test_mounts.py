"""Mounts of `RUN`, once their variables are replaced."""

from __future__ import annotations

import pytest

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.mounts import RunMount, parse_mount, resolve_mount


def resolved(text: str) -> RunMount:
    return resolve_mount(parse_mount(text), lambda word: word.replace("$V", "value"))


def test_bind_is_the_default_and_read_only() -> None:
    assert resolved("target=/a") == RunMount(kind="bind", target="/a", readonly=True)
    assert resolved("dst=/a,src=b,from=stage,rw").readonly is False
    assert resolved("destination=/a,readwrite=false").readonly is True


def test_cache_is_named_after_its_target() -> None:
    assert resolved("type=cache,target=/a/./b/").id == "/a/b"
    mount = resolved("type=cache,id=$V,target=/a,sharing=locked,mode=0700,uid=1,gid=2,ro")
    assert mount == RunMount(
        kind="cache",
        id="value",
        target="/a",
        sharing="locked",
        mode=0o700,
        uid=1,
        gid=2,
        readonly=True,
    )


@pytest.mark.parametrize(
    ("size", "bytes_"),
    [("10", 10), ("4k", 4096), ("1.5m", 1572864), ("2GiB", 2 << 30), ("1gb", 1 << 30)],
)
def test_tmpfs_has_a_size(size: str, bytes_: int) -> None:
    assert resolved(f"type=tmpfs,target=/t,size={size}").size_bytes == bytes_


def test_secret_is_known_by_id_source_or_target() -> None:
    assert resolved("type=secret,id=a").id == "a"
    assert resolved("type=secret,src=b,target=/x").id == "b"
    assert resolved("type=secret,target=/x/c").id == "c"
    mount = resolved("type=secret,id=a,env=TOKEN,required")
    assert (mount.env, mount.required) == ("TOKEN", True)


def test_ssh_has_a_default_name() -> None:
    assert resolved("type=ssh").id == "default"


def test_values_may_be_quoted_as_csv() -> None:
    assert resolved('"target=/a,b",type=bind').target == "/a,b"


def test_values_are_checked_when_their_variables_are_known() -> None:
    mount = parse_mount("type=cache,target=/a,sharing=$V")
    with pytest.raises(SyntaxProblem, match='unsupported sharing value "value"'):
        resolve_mount(mount, lambda word: word.replace("$V", "value"))

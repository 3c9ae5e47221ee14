from __future__ import annotations

import pytest

from keelway.engine.errors import EngineError
from keelway.engine.store.platforms import normalise
from keelway.engine.store.reference import is_loopback, parse_reference, registry_host

HEX = "0" * 64


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3.20", "docker.io/library/alpine:3.20"),
        ("me/app:1", "docker.io/me/app:1"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("index.docker.io/me/app", "docker.io/me/app"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/a/b:t", "localhost:5000/a/b:t"),
        ("[::1]:5000/a:t", "[::1]:5000/a:t"),
        (f"ghcr.io/a/b:t@sha256:{HEX}", f"ghcr.io/a/b:t@sha256:{HEX}"),
        (f"a@sha256:{HEX}", f"docker.io/library/a@sha256:{HEX}"),
        ("example.org/a__b/c-d.e", "example.org/a__b/c-d.e"),
    ],
)
def test_full_names(text: str, full: str) -> None:
    assert str(parse_reference(text)) == full


@pytest.mark.parametrize(
    "text", ["", "Alpine", "a:", "a@", "a@sha256:1", "a:b:c", "a b", "x/", "-x", "a@md5:1", "h:1/"]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(EngineError, match="invalid reference format"):
        parse_reference(text)


def test_uppercase_is_explained() -> None:
    with pytest.raises(EngineError, match="must be lowercase"):
        parse_reference("example.org/Demo/App:1")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1", True),
        ("127.9.8.7:80", True),
        ("[::1]:5000", True),
        ("[::1]", True),
        ("example.org", False),
        ("10.0.0.1:5000", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org", False),
    ],
)
def test_loopback(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_registry_hosts() -> None:
    assert registry_host("https://index.docker.io/v1/") == "docker.io"
    assert registry_host("ghcr.io/me/app") == "ghcr.io"
    assert registry_host("localhost:5000") == "localhost:5000"


@pytest.mark.parametrize(
    ("platform", "short"),
    [
        ("linux/amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("windows/amd64", "windows/amd64"),
    ],
)
def test_platforms(platform: str, short: str) -> None:
    assert normalise(platform) == short

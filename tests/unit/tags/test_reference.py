"""Image references: parts, the normal form, and what is refused."""

import pytest

from keelway.tags.reference import BadReferenceError, parse_reference, parse_repository

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("ubuntu", "docker.io/library/ubuntu"),
        ("ubuntu:24.04", "docker.io/library/ubuntu:24.04"),
        ("user/app", "docker.io/user/app"),
        ("docker.io/ubuntu", "docker.io/library/ubuntu"),
        ("index.docker.io/user/app", "docker.io/user/app"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/demo/orders:main", "localhost:5000/demo/orders:main"),
        ("ghcr.io/a/b__c/d--e", "ghcr.io/a/b__c/d--e"),
        (f"ghcr.io/a/b:v1@{DIGEST}", f"ghcr.io/a/b:v1@{DIGEST}"),
        ("[::1]:5000/app", "[::1]:5000/app"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app"),
        ("test.com:5000", "docker.io/library/test.com:5000"),
        ("docker.io/library/a/b", "docker.io/library/a/b"),
        ("index.docker.io/ubuntu", "docker.io/library/ubuntu"),
        # Upper-case letters cannot be in a path, so the first part is a host.
        ("INTERNAL/app", "INTERNAL/app"),
        # The host does not count: 255 characters are for what follows it.
        ("ghcr.io/" + "a" * 255, "ghcr.io/" + "a" * 255),
        ("ubuntu:Upper_1.0", "docker.io/library/ubuntu:Upper_1.0"),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    parsed = parse_reference(text)
    assert str(parsed) == normal
    assert parse_reference(normal) == parsed


def test_parts() -> None:
    parsed = parse_reference(f"localhost:5000/demo/orders:main@{DIGEST}")
    assert (parsed.host, parsed.path, parsed.tag, parsed.digest) == (
        "localhost:5000",
        "demo/orders",
        "main",
        DIGEST,
    )
    assert parsed.repository == "localhost:5000/demo/orders"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://ghcr.io/a", "write it without https://"),
        ("ghcr.io/Acme/App", "write 'acme/app'"),
        ("ghcr.io/a:", "bad tag"),
        ("ghcr.io/a:-x", "bad tag"),
        ("ghcr.io/a:" + "x" * 129, "bad tag"),
        ("ghcr.io/a@sha256:12", "bad digest"),
        ("ghcr.io/a@", "bad digest"),
        ("ghcr.io//a", "bad repository name"),
        ("ghcr.io/a b", "bad repository name"),
        ("", "bad repository name"),
        ("ghcr.io:port/a", "bad registry name"),
        ("-x.io/a", "bad registry name"),
        ("ghcr.io/" + "a" * 256, "too long"),
        ("a" * 256, "too long"),
        ("1a3f5e7d" * 8, "an image's id"),
        ("[::1]", "bad tag"),
        ("[fe80::1%eth0]:5000/app", "bad registry name"),
        ("fc00::1:5000/app", "bad registry name"),
        ("a/b..c", "bad repository name"),
        ("a_-b/c", "bad repository name"),
        ("team/", "bad repository name"),
        (":tag", "bad repository name"),
        (f"@{DIGEST}", "bad repository name"),
    ],
)
def test_refuses_what_is_no_reference(text: str, words: str) -> None:
    with pytest.raises(BadReferenceError) as caught:
        parse_reference(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["ghcr.io/a:v1", f"ghcr.io/a@{DIGEST}"])
def test_a_repository_has_neither_tag_nor_digest(text: str) -> None:
    with pytest.raises(BadReferenceError, match="must not have a tag or a digest"):
        parse_repository(text)

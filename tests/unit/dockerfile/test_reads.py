"""What a build reads of its context: by what its Dockerfile says, never less."""

from __future__ import annotations

import pytest

from keelway.dockerfile import parse
from keelway.dockerfile.reads import WHOLE, context_sources


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("FROM scratch\nCOPY a.txt b/ /", ["a.txt", "b"]),
        ("FROM scratch\nCOPY ../a ./b /c /", ["a", "b", "c"]),
        ("FROM scratch\nCOPY . /", [WHOLE]),
        ("FROM scratch\nCOPY a.txt . /", [WHOLE]),
        ('FROM scratch\nCOPY ["a b", "/"]', ["a b"]),
        ("FROM scratch\nCOPY --parents a/./b/*.c /", ["a/b/*.c"]),
        ("FROM scratch\nCOPY <<EOF /hello\ntext\nEOF", []),
        ("FROM scratch\nADD a.tar https://host.example/b.tar /", ["a.tar"]),
        ("FROM scratch\nADD https://host.example/a/b.git#v1 /", []),
        ("FROM debian\nRUN --mount=type=bind,source=lib,target=/lib make", ["lib"]),
        ("FROM debian\nRUN --mount=target=/src make", [WHOLE]),
        ("FROM debian\nCOPY a /\nRUN --mount=type=cache,target=/c --mount=type=ssh y", ["a"]),
        ("FROM scratch AS one\nCOPY a /\nFROM scratch\nCOPY --from=one /a /", ["a"]),
        ("FROM scratch AS one\nCOPY a /\nFROM scratch\nCOPY b /", ["b"]),
        ("FROM scratch AS one\nCOPY a /\nFROM one\nCOPY b /", ["a", "b"]),
        ("FROM debian\nCOPY b /\nRUN --mount=from=busybox,target=/t true", ["b"]),
        ("FROM scratch AS one\nONBUILD COPY a /\nFROM one\nCOPY b /", ["a", "b"]),
    ],
)  # fmt: skip
def test_sources(text: str, sources: list[str]) -> None:
    assert list(context_sources(parse(text))) == sources


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("ARG A=x\nFROM scratch\nARG A\nCOPY src/$A /", ["src/x"]),
        ("FROM scratch\nARG A=x\nCOPY src/${A}/y /", ["src/x/y"]),
        ("FROM scratch\nARG GIVEN=x\nCOPY src/$GIVEN /", ["src/given"]),
        ("FROM scratch\nENV A=x B=$A\nCOPY $A /", ["x"]),
        ("FROM scratch AS one\nENV A=x\nFROM one\nCOPY $A /", ["x"]),
        # Nobody knows here what the base image says, or the platform: the folder before it counts.
        ("FROM debian\nCOPY src/pre$UNKNOWN/x /", ["src"]),
        ("FROM scratch\nARG TARGETARCH\nCOPY bin/$TARGETARCH/app /", ["bin"]),
        ("FROM debian\nENV A=$UNKNOWN\nCOPY $A /", [WHOLE]),
        ("FROM debian\nENV A=x\nENV A=$UNKNOWN\nCOPY $A /", [WHOLE]),
    ],
)
def test_variables(text: str, sources: list[str]) -> None:
    assert list(context_sources(parse(text), build_args={"GIVEN": "given"})) == sources


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3-onbuild\nCOPY a /",
        "FROM debian\nRUN make",
        "# syntax=example.com/other:1\nFROM scratch\nCOPY a /",
    ],
)
def test_what_only_the_build_knows_is_the_whole_context(text: str) -> None:
    assert context_sources(parse(text)) == (WHOLE,)


def test_several_targets() -> None:
    text = "FROM scratch AS tests\nCOPY tests /\nFROM scratch\nCOPY app /"
    assert context_sources(parse(text), targets=["", "tests"]) == ("app", "tests")

"""Stages: names, numbers, and what a target needs."""

from __future__ import annotations

import pytest

from keelway.dockerfile import Dockerfile, DockerfileError, parse
from keelway.dockerfile.bases import final_image
from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.ports import parse_ports

FILE = """\
FROM a AS base
FROM base AS Build
COPY --from=3 /x /x
FROM b AS unused
FROM c
RUN --mount=from=assets,target=/a make
FROM d AS assets
FROM base
COPY --from=build /x /x
COPY --from=nginx:1 /y /y
"""


def needed(file: Dockerfile, target: str = "") -> list[str]:
    return [stage.name for stage in file.needed(file.target(target))]


def test_only_what_a_target_is_made_from_is_needed() -> None:
    file = parse(FILE)
    assert needed(file) == ["base", "assets", "3", "build", "5"]
    assert needed(file, "UNUSED") == ["unused"]
    assert needed(file, "3") == ["assets", "3"]


def test_base_is_an_earlier_stage_whatever_its_case() -> None:
    file = parse("FROM x AS x\nFROM X AS y\n")
    assert needed(file) == ["x", "y"]


def test_later_stage_of_the_same_name_wins_for_those_behind_it() -> None:
    file = parse("FROM a AS s\nFROM b AS s\nFROM s\n")
    assert needed(file) == ["s", "2"]
    assert file.base_stage(file.stages[2], "s") is file.stages[1]


def test_number_in_from_is_an_image() -> None:
    assert needed(parse("FROM a\nFROM 0\n")) == ["1"]


@pytest.mark.parametrize("target", ["nope", "7", "asset"])
def test_unknown_target_is_told(target: str) -> None:
    with pytest.raises(DockerfileError, match=f'target stage "{target}" could not be found'):
        parse(FILE).target(target)


def test_near_target_is_named() -> None:
    with pytest.raises(DockerfileError, match=r"did you mean assets\?"):
        parse(FILE).target("asset")


def test_number_without_a_stage_is_told_with_its_line() -> None:
    file = parse("FROM a\nCOPY --from=4 x y\n")
    with pytest.raises(DockerfileError, match="invalid stage index 4") as caught:
        file.needed(file.target())
    assert caught.value.location.line == 2


def test_circle_is_told_with_its_stages() -> None:
    file = parse("FROM a AS x\nCOPY --from=y a b\nFROM a AS y\nCOPY --from=x a b\n")
    with pytest.raises(DockerfileError, match=r"circular dependency .*\(y -> x -> y\)"):
        file.needed(file.target())
    own = parse("FROM a AS x\nCOPY --from=x a b\n")
    with pytest.raises(DockerfileError, match="circular dependency"):
        own.needed(own.target())


def test_base_names_with_variables_are_asked_for() -> None:
    file = parse("ARG B=one\nFROM a AS one\nFROM $B\n")
    found = file.needed(file.target(), lambda stage: "one" if stage.index else "a")
    assert [stage.name for stage in found] == ["one", "1"]


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", ((80, "tcp"),)),
        ("53/UDP", ((53, "udp"),)),
        ("7000-7002/sctp", ((7000, "sctp"), (7001, "sctp"), (7002, "sctp"))),
        ("127.0.0.1:8080:80", ((80, "tcp"),)),
    ],
)
def test_ports_are_numbers_ranges_and_protocols(
    text: str, ports: tuple[tuple[int, str], ...]
) -> None:
    assert parse_ports(text) == ports


@pytest.mark.parametrize("text", ["x", "0", "70000", "80/http", "9-8", "-5", "", "80/"])
def test_what_is_no_port_is_told(text: str) -> None:
    with pytest.raises(SyntaxProblem, match=r"port|proto"):
        parse_ports(text)


@pytest.mark.parametrize(
    ("target", "image"), [("", "a"), ("unused", "b"), ("3", "c"), ("build", "a")]
)
def test_the_image_that_a_target_is_built_on_in_the_end(target: str, image: str) -> None:
    assert final_image(parse(FILE), target=target) == image


def test_nothing_is_below_scratch_and_arguments_name_an_image() -> None:
    assert final_image(parse("FROM a AS tools\nFROM scratch\nCOPY --from=tools /x /x\n")) is None
    file = parse("ARG BASE=a\nFROM ${BASE}\n")
    assert final_image(file, build_args={"BASE": "b:1"}) == "b:1"

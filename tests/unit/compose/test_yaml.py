"""YAML as Compose reads it: anchors, merge keys, tags, and what a plain scalar means."""

import pytest

from keelway.compose.scalars import read_plain, show
from tests.unit.compose.conftest import Load, Refuse


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("True", "true"),
        ("0755", "493"),
        ("0o17", "15"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("08", "8"),
        ("1_000", "1000"),
        ("22:22", "22:22"),
        ("1.10", "1.1"),
        (".5", "0.5"),
        ("1e21", "1e+21"),
        ("12e03", "12000"),
        ("1e-7", "1e-07"),
        ("100000000000000000000000", "1e+23"),
        ("+1", "1"),
        ("-0", "-0"),
        ("1.2.3", "1.2.3"),
        ("~", ""),
        ("null", ""),
        ("2024-01-01", "2024-01-01"),
    ],
)
def test_what_a_plain_scalar_is_worth_as_a_text(written: str, meant: str) -> None:
    assert show(read_plain(written)) == meant


def test_anchors_and_merge_keys(load: Load) -> None:
    project = load(
        """\
        x-base: &base {image: base, environment: &env {A: "1", B: "1"}}
        x-more: &more {image: more, hostname: more}
        services:
          one: {<<: *base, environment: {<<: *env, B: "2"}}
          two: {hostname: two, <<: [*more, *base]}
        """
    )
    one, two = project.services["one"], project.services["two"]
    assert (one.image, dict(one.environment)) == ("base", {"A": "1", "B": "2"})
    assert (two.image, two.hostname) == ("more", "two")
    assert set(project.extensions) == {"x-base", "x-more"}


def test_several_documents_are_merged(load: Load) -> None:
    project = load("services: {web: {image: a}}\n---\nservices: {web: {image: b}}\n")
    assert project.services["web"].image == "b"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("services:\n  web: [}", "compose.yaml:2: is no YAML: "),
        (
            "services:\n  web:\n    image: a\n    image: b\n",
            "compose.yaml:4: services.web.image: is",
        ),
        ("services:\n  80: {image: a}\n", "compose.yaml:2: services: the key 80 must be a text"),
        ("- a\n", "compose.yaml:1: a compose file is a mapping"),
        ("services: &s {web: *s}\n", "compose.yaml:1: services.web: an anchor must not contain"),
        ("# nothing\n", "compose.yaml: is empty"),
        (
            "services: {web: {<<: [a], image: a}}",
            'compose.yaml:1: services.web."<<": only mappings',
        ),
    ],
)
def test_what_is_no_compose_file_is_named_by_line(refuse: Refuse, text: str, problem: str) -> None:
    assert refuse(text)[0].startswith(problem)


def test_anchors_that_blow_up_are_refused(refuse: Refuse) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    problems = refuse("x-bomb:\n" + "\n".join(f"  {line}" for line in lines))
    assert "its anchors repeat too much" in problems[0]


def test_a_date_is_the_text_that_was_written(load: Load) -> None:
    project = load("services: {web: {image: a, environment: {DAY: 2024-01-01}}}")
    assert project.services["web"].environment["DAY"] == "2024-01-01"
    assert "quote it" in project.notices[0].reason

"""Variables in compose files, and the `.env` files that they come from."""

from collections.abc import Mapping

import pytest

from keelway.compose.dotenv import DotenvError, parse_dotenv
from keelway.compose.template import TemplateError, substitute
from tests.unit.compose.conftest import Load, Refuse, Write

SET: Mapping[str, str] = {"V": "v", "EMPTY": "", "OTHER": "o"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$V", "v"),
        ("${V}", "v"),
        ("a$V-b${V}c", "av-bvc"),
        ("${UNSET:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${V:-d}", "v"),
        ("${UNSET-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${V:?e}", "v"),
        ("${EMPTY?e}", ""),
        ("${V:+r}", "r"),
        ("${EMPTY:+r}", ""),
        ("${EMPTY+r}", "r"),
        ("${UNSET+r}", ""),
        ("${UNSET:-${OTHER}}", "o"),
        ("${UNSET:-${UNSET2-$V}}!", "v!"),
        ("${UNSET:-a:b?c-d}", "a:b?c-d"),
        ('${UNSET:-{"a": {"b": 1}}}', '{"a": {"b": 1}}'),
        ("$$V $$$V $${V}", "$V $v ${V}"),
        ("^done$ costs $1", "^done$ costs $1"),
        ("$UNSET|", "|"),
    ],
)
def test_every_form_of_a_variable(written: str, meant: str) -> None:
    assert substitute(written, SET) == meant


@pytest.mark.parametrize("written", ["${", "${V", "${}", "${1}", "${V:d}", "${V d}"])
def test_a_form_that_is_none_is_an_error(written: str) -> None:
    with pytest.raises(TemplateError, match="cannot be interpolated: write"):
        substitute(written, SET)


@pytest.mark.parametrize(
    ("written", "reason"),
    [("${UNSET?}", ""), ("${UNSET:?set it to $V}", ": set it to v"), ("${EMPTY:?e}", ": e")],
)
def test_a_required_variable_that_is_missing_says_why(written: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=f"is required and has no value{reason}$"):
        substitute(written, SET)


def test_all_required_variables_are_told_at_once_with_line_and_service(refuse: Refuse) -> None:
    problems = refuse(
        """\
        services:
          web:
            image: "${IMAGE:?which one}"
          db:
            image: db
            environment:
              PASSWORD: ${PASSWORD?}
        """
    )
    wrong = "is required and has no value"
    assert problems == [
        f"compose.yaml:3: services.web.image: the variable IMAGE {wrong}: which one",
        f"compose.yaml:7: services.db.environment.PASSWORD: the variable PASSWORD {wrong}",
    ]


def test_a_variable_that_is_not_set_is_told_once(load: Load) -> None:
    project = load("services: {web: {image: 'a:$NOPE', user: $NOPE}}")
    assert project.services["web"].image == "a:"
    assert [notice.key for notice in project.notices] == ["services.web.image"]
    assert "the variable NOPE is not set" in project.notices[0].reason


def test_keys_are_not_interpolated_and_numbers_may_come_from_variables(load: Load) -> None:
    web = load(
        "services: {web: {image: a, init: $B, environment: {$TAG: b}, deploy: {replicas: $N}}}",
        environment={"B": "yes", "N": "3", "TAG": "1"},
    ).services["web"]
    assert (web.init, web.replicas, dict(web.environment)) == (True, 3, {"$TAG": "b"})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\nB = 2 \n", {"A": "1", "B": "2"}),
        ("export A=1\nB: yes", {"A": "1", "B": "yes"}),
        ("# no\n\nA=1 # why\nB=a#b\nC='x' # c", {"A": "1", "B": "a#b", "C": "x"}),
        ("A='$V \\n'\nB=\"$V\\n\"\nC=$V\\n", {"A": "$V \\n", "B": "v\n", "C": "v\\n"}),
        ('A=\'it\\\'s\'\nB="a \\"b\\""', {"A": "it's", "B": 'a "b"'}),
        ('A="one\ntwo"\nB=2', {"A": "one\ntwo", "B": "2"}),
        ("A=1\nB=${A}${V}${C:-c}", {"A": "1", "B": "1vc"}),
        ('A="\\$V"\nB=$$V', {"A": "$V", "B": "$V"}),
        ("V\nUNSET\nA=", {"V": "v", "A": ""}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("a.b-c[0]=1", {"a.b-c[0]": "1"}),
        ("A=b=c", {"A": "b=c"}),
    ],
)
def test_the_lines_of_an_env_file(text: str, values: Mapping[str, str]) -> None:
    assert parse_dotenv(text, SET) == values


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("A=1\nB C=2", 2, "no variable's name"),
        ("A=1\n\nB='open", 3, "not closed"),
        ("A=${B", 1, "cannot be interpolated"),
        ("%=1", 1, "no variable's name"),
    ],
)
def test_a_wrong_line_of_an_env_file(text: str, line: int, reason: str) -> None:
    with pytest.raises(DotenvError, match=reason) as refused:
        parse_dotenv(text, {})
    assert refused.value.line == line


def test_the_environment_is_stronger_than_the_env_file(load: Load, write: Write) -> None:
    write(".env", "TAG=file\nNAME=file\n")
    project = load("services: {web: {image: '$NAME:$TAG'}}", environment={"TAG": "outside"})
    assert project.services["web"].image == "file:outside"
    assert project.environment["NAME"] == "file"
    assert "NAME" not in repr(project)


def test_named_env_files_replace_the_usual_one(load: Load, write: Write) -> None:
    write(".env", "A=usual\n")
    one, two = write("one.env", "A=1\nB=1\n"), write("two.env", "B=2$A\n")
    project = load("services: {web: {image: '$A:$B'}}", env_files=[one, two], environment={})
    assert project.services["web"].image == "1:21"


def test_a_wrong_env_file_is_named_with_its_line(refuse: Refuse, write: Write) -> None:
    write(".env", "A=1\nnot a line\n")
    assert refuse("services: {web: {image: a}}") == [
        ".env:2: 'not a line' has no variable's name before = or :"
    ]

"""Variables in words."""

from __future__ import annotations

import pytest

from keelway.dockerfile.errors import SyntaxProblem
from keelway.dockerfile.expand import Expander

VALUES = {
    "NAME": "world",
    "EMPTY": "",
    "TWO": "a b",
    "str": "foobarbaz",
    "path": "/usr/local/bin",
    "stars": "a*b?c",
}


def expanded(text: str) -> str:
    return Expander(VALUES).word(text)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$NAME", "world"),
        ("${NAME}_x $NAME_x", "world_x "),
        ("$NAME.x-$NAME", "world.x-world"),
        ("\\$NAME \\${NAME}", "$NAME ${NAME}"),
        ("'$NAME'", "$NAME"),
        ('"$NAME"', "world"),
        ('"it\'s $NAME"', "it's world"),
        ('"a \\"q\\" \\$x \\n"', 'a "q" $x \\n'),
        ("a\\ b\\\\c", "a b\\c"),
        ("'a\\'", "a\\"),
        ("$ $= a$", "$ $= a$"),
        ("$1x $12", "x "),
        ("${UNSET}|$UNSET|", "||"),
        ("end\\", "end"),
        ("", ""),
    ],
)
def test_plain_variables_quotes_and_escapes(text: str, result: str) -> None:
    assert expanded(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${NAME:-x}", "world"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${UNSET:-x}", "x"),
        ("${UNSET-x}", "x"),
        ("${UNSET:-$NAME ${NAME}}", "world world"),
        ("${UNSET:-'a}b'}", "a}b"),
        ("${UNSET:-${ALSO:-deep}}", "deep"),
        ("${NAME:+x}", "x"),
        ("${EMPTY:+x}", ""),
        ("${EMPTY+x}", "x"),
        ("${UNSET+x}", ""),
        ("${NAME:?no}", "world"),
        ("${EMPTY?no}", ""),
    ],
)
def test_modifiers_choose(text: str, result: str) -> None:
    assert expanded(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${str#f*b}", "arbaz"),
        ("${str##f*b}", "az"),
        ("${str#x}", "foobarbaz"),
        ("${str%b*}", "foobar"),
        ("${str%%b*}", "foo"),
        ("${str%x}", "foobarbaz"),
        ("${str/ba/x}", "fooxrbaz"),
        ("${str//ba/x}", "fooxrxz"),
        ("${str/ba?/$NAME}", "fooworldbaz"),
        ("${str//b*/}", "foo"),
        ("${path##*/}", "bin"),
        ("${path%/*}", "/usr/local"),
        ("${path//\\//-}", "-usr-local-bin"),
        ("${stars#a\\*}", "b?c"),
        ("${stars%\\?c}", "a*b"),
        ("${UNSET#a}", ""),
    ],
)
def test_patterns_trim_and_replace(text: str, result: str) -> None:
    assert expanded(text) == result


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("'open", "a single quote"),
        ('"open', "a double quote"),
        ("${NAME", "missing '}'"),
        ("${NAME:-x", "missing '}'"),
        ("${}", "bad substitution"),
        ("${:-x}", "bad substitution"),
        ("${{x}}", "bad substitution"),
        ("${NAME!x}", r"unsupported modifier \(!\)"),
        ("${NAME:=x}", r"unsupported modifier \(:=\)"),
        ("${str/a", "missing '/'"),
        ("${str#\\a}", "invalid escape"),
        ("${UNSET:?give it}", "UNSET: give it"),
        ("${UNSET?}", "UNSET: is not allowed to be unset"),
        ("${EMPTY:?}", "EMPTY: is not allowed to be empty"),
    ],
)
def test_what_cannot_be_expanded_is_told(text: str, told: str) -> None:
    with pytest.raises(SyntaxProblem, match=told):
        expanded(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b", ["a", "b"]),
        ("$TWO c", ["a", "b", "c"]),
        ('"$TWO" c', ["a b", "c"]),
        ("x$TWO", ["xa", "b"]),
        ("a\\ b", ["a b"]),
        ("$EMPTY", []),
        ('a ""', ["a"]),
        (" lead and trail ", ["lead", "and", "trail"]),
    ],
)
def test_words_are_split_where_nothing_is_quoted(text: str, words: list[str]) -> None:
    assert Expander(VALUES).words(text) == words


def test_other_escape_character_leaves_the_backslash_alone() -> None:
    assert Expander(VALUES, escape="`").word("c:\\$NAME `$NAME") == "c:\\world $NAME"


def test_heredoc_text_keeps_its_quotes() -> None:
    text = "\"$NAME\" '$NAME' \\$NAME \\\\ it's\n\\\n"
    assert Expander(VALUES, quotes=False).word(text) == "\"world\" 'world' $NAME \\ it's\n\n"


def test_names_without_a_value_are_noted() -> None:
    expander = Expander(VALUES)
    expander.word("$NAME $UNSET ${ALSO:-x}")
    assert expander.missing == {"UNSET", "ALSO"}

"""Lines to statements: directives, comments, continuations, heredocs."""

from __future__ import annotations

import pytest

from keelway.dockerfile.errors import DockerfileError, Source
from keelway.dockerfile.lex import Scan, scan


def scanned(text: str) -> Scan:
    return scan(Source(text=text))


def texts(text: str) -> list[str]:
    return [statement.text for statement in scanned(text).statements]


def test_statements_know_their_lines() -> None:
    found = scanned("\n# c\nFROM a\n\nRUN b \\\n  c\nCMD d\n").statements
    assert [(one.text, one.location.line, one.location.end_line) for one in found] == [
        ("FROM a", 3, 3),
        ("RUN b   c", 5, 6),
        ("CMD d", 7, 7),
    ]


def test_comments_and_empty_lines_inside_a_continuation_are_left_out() -> None:
    text = "RUN echo hello \\\n# comment\n   # another\n\nworld\n"
    assert texts(text) == ["RUN echo hello world"]
    assert scanned(text).empty_continuations == (4,)


def test_indentation_of_continued_lines_is_kept_and_of_first_lines_is_not() -> None:
    assert texts('   RUN echo "\\\n     hello\\\n     world"') == [
        'RUN echo "     hello     world"'
    ]


def test_doubled_escape_at_the_end_continues_nothing() -> None:
    assert texts("COPY a c:\\\\\nRUN b") == ["COPY a c:\\\\", "RUN b"]


def test_blanks_may_follow_the_escape() -> None:
    assert texts("RUN a \\  \t\n b") == ["RUN a  b"]


def test_file_may_end_in_a_continuation() -> None:
    assert texts("RUN a \\") == ["RUN a "]


def test_windows_line_ends_and_a_byte_order_mark_are_no_text() -> None:
    assert texts("\ufeffFROM a\r\nRUN b \\\r\n c\r\n") == ["FROM a", "RUN b  c"]


def test_hash_after_the_start_of_a_line_is_text() -> None:
    assert texts("RUN echo '# no comment' # neither") == ["RUN echo '# no comment' # neither"]


def test_comments_above_an_instruction_are_kept_with_it() -> None:
    found = scanned("# far\n\n# first\n#second\nFROM a\nRUN b").statements
    assert found[0].comments == ("first", "second")
    assert found[1].comments == ()


@pytest.mark.parametrize(
    "line",
    ["#escape=`", "# escape =`", "#\tescape= `", "# escape = `", "#  eScApE=`", "  # escape=`"],
)
def test_directive_may_have_blanks_and_any_case(line: str) -> None:
    assert scanned(f"{line}\nRUN a `\n b").directives.escape == "`"
    assert texts(f"{line}\nRUN a `\n b \\\nCMD c") == ["RUN a  b \\", "CMD c"]


def test_all_directives_are_read() -> None:
    text = "# syntax=docker/dockerfile:1\n# check=skip=all;error=true\n# escape=`\nFROM a"
    found = scanned(text).directives
    assert (found.syntax, found.check, found.escape) == (
        "docker/dockerfile:1",
        "skip=all;error=true",
        "`",
    )


@pytest.mark.parametrize(
    "text",
    [
        "# About this file\n# escape=`\nFROM a",
        "# unknown=1\n# escape=`\nFROM a",
        "\n# escape=`\nFROM a",
        "FROM a\n# escape=`",
    ],
)
def test_directives_stop_at_the_first_other_line(text: str) -> None:
    assert scanned(text).directives.escape == "\\"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("# syntax=a\n# syntax=b\nFROM a", 2, "only one syntax parser directive"),
        ("# escape=x\nFROM a", 1, "invalid escape token 'x'"),
        ("FROM a\nRUN <<EOF\necho\n", 2, "unterminated heredoc: no line is 'EOF'"),
        ("FROM a\nRUN <<A <<B\nA\n", 2, "no line is 'B'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, told: str) -> None:
    with pytest.raises(DockerfileError, match=told) as caught:
        scanned(text)
    assert caught.value.location.line == line


def test_heredoc_takes_lines_as_they_are() -> None:
    found = scanned("RUN <<EOF bash\n# no comment\n  a \\\n\nEOF2\nEOF\nCMD x").statements
    (heredoc,) = found[0].heredocs
    assert heredoc.content == "# no comment\n  a \\\n\nEOF2\n"
    assert (found[0].location.line, found[0].location.end_line) == (1, 6)
    assert found[1].text == "CMD x"


def test_several_heredocs_follow_in_order() -> None:
    found = scanned("RUN <<ONE cat > a && <<TWO cat > b\n1\nONE\n2\nTWO\n").statements
    assert [(one.name, one.content) for one in found[0].heredocs] == [
        ("ONE", "1\n"),
        ("TWO", "2\n"),
    ]


def test_dash_strips_tabs_of_text_and_of_the_end() -> None:
    (heredoc,) = scanned("COPY <<-EOF /a\n\tone\n\t\ttwo\n\tEOF\n").statements[0].heredocs
    assert heredoc.strip_tabs
    assert heredoc.text == "one\ntwo\n"


@pytest.mark.parametrize("name", ['"EOF"', "'EOF'", "E'O'F", "\\EOF"])
def test_quoted_name_means_no_variables(name: str) -> None:
    (heredoc,) = scanned(f"COPY <<{name} /a\n$x\nEOF\n").statements[0].heredocs
    assert (heredoc.name, heredoc.expand) == ("EOF", False)


@pytest.mark.parametrize(
    "line",
    [
        'RUN ["echo", "<<EOF"]',
        "RUN echo $((1 << 2))",
        "RUN cat <<<word",
        'RUN echo "<<EOF"',
        "ENV A <<EOF",
        "RUN << x",
    ],
)
def test_no_heredoc_is_seen_where_there_is_none(line: str) -> None:
    assert scanned(f"{line}\nCMD x").statements[0].heredocs == ()


def test_heredoc_of_a_trigger_belongs_to_it() -> None:
    (statement,) = scanned("ONBUILD COPY <<EOF /a\nx\nEOF\n").statements
    assert statement.heredocs[0].content == "x\n"

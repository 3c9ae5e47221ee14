"""What is wrong is told with line, source and, where there is one, the nearest right word."""

from __future__ import annotations

import pytest

from keelway.dockerfile import DockerfileError, parse, parse_trigger

CASES = [
    ("RUNX echo", "unknown instruction: RUNX (did you mean RUN?)"),
    ("FROM", "FROM requires either one or three arguments"),
    ("FROM a b", "FROM requires either one or three arguments"),
    ("FROM a AS 1x", 'invalid name for build stage: "1x"'),
    ("FROM --plattform=x a", "unknown flag: --plattform (did you mean --platform?)"),
    ("RUN", "RUN requires at least one argument"),
    ("RUN [1, 2]", "arrays must be comprised of strings only"),
    ("RUN --network=nonee x", 'network mode "nonee" is not supported'),
    ("RUN --security=root x", 'security mode "root" is not supported'),
    (
        "RUN --mount=type=cachee,target=/x y",
        'unsupported mount type "cachee" (did you mean cache?)',
    ),
    ("RUN --mount=type=cache y", 'a "cache" mount needs a target'),
    ("RUN --mount=type=tmpfs,target=/x,id=a y", '"id" is not allowed for "tmpfs" type mounts'),
    ("RUN --mount=target=/x,srcs=a y", "unexpected key 'srcs'"),
    ("RUN --mount=target=/x,source y", "must be a key=value pair"),
    ("RUN --mount=type=cache,target=/x,sharing=all y", 'unsupported sharing value "all"'),
    ("RUN --mount=type=cache,target=/x,mode=9 y", "must be an octal number"),
    ("RUN --mount=type=cache,target=/x,uid=me y", "invalid value me for uid: must be a number"),
    ("RUN --mount=type=tmpfs,target=/x,size=big y", "invalid value for size: big"),
    ("RUN --mount=type=secret y", 'a "secret" mount needs one of id, source and target'),
    ("RUN --mount=from=$X,target=/x y", "doesn't support variable expansion"),
    ('RUN --mount=type="bind y', "a quote in a flag is not closed"),
    ("COPY a", "COPY requires at least two arguments, but only 1 were provided"),
    ("COPY --form=b a /", "unknown flag: --form (did you mean --from?)"),
    ("COPY --from=$X a /", "'--from=$X' doesn't support variable expansion"),
    ("COPY --chown a /", "missing a value on flag: --chown"),
    ("COPY --chown=a --chown=b a /", "duplicate flag specified: --chown"),
    ("COPY --link=maybe a /", "expecting boolean value for flag --link, not: maybe"),
    ("COPY a <<EOF\nEOF", "COPY cannot accept a heredoc as a destination"),
    ("ADD --from=x a /", "unknown flag: --from"),
    ("ARG", "ARG requires at least one argument"),
    ("ARG =1", "ARG names can not be blank"),
    ("ENV A", "ENV must have two arguments"),
    ("ENV A=1 B", "can't find = in 'B'"),
    ("ENV A=1 =2", "ENV names can not be blank"),
    ("LABEL", "LABEL requires at least one argument"),
    ("EXPOSE", "EXPOSE requires at least one argument"),
    ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
    ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
    ("HEALTHCHECK RUN x", 'Unknown type "RUN" in HEALTHCHECK (try CMD)'),
    ("HEALTHCHECK CMD", "missing command after HEALTHCHECK CMD"),
    ("HEALTHCHECK --interval=5 CMD x", 'invalid duration "5"'),
    ("HEALTHCHECK --timeout=1us CMD x", 'interval "timeout" cannot be less than 1ms'),
    ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
    ("HEALTHCHECK --retries=x CMD x", 'invalid value "x" for --retries'),
    ("SHELL bash -c", "SHELL requires the arguments to be in JSON form"),
    ("SHELL []", "SHELL requires at least one argument"),
    ("VOLUME", "VOLUME requires at least one argument"),
    ('VOLUME [""]', "VOLUME specified can not be an empty string"),
    ("USER", "USER requires exactly one argument"),
    ("WORKDIR", "WORKDIR requires exactly one argument"),
    ("WORKDIR --x /a", "unknown flag: --x"),
    ("ONBUILD", "ONBUILD requires at least one argument"),
    ("ONBUILD ONBUILD RUN x", "chaining ONBUILD"),
    ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
    ("ONBUILD RUNX x", "unknown instruction: RUNX"),
]


@pytest.mark.parametrize(("line", "told"), CASES)
def test_wrong_instruction_is_told_with_its_line(line: str, told: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(f"FROM a\nUSER b\n{line}\nUSER c\n", "sub/Dockerfile")
    assert told in str(caught.value)
    assert str(caught.value).startswith("sub/Dockerfile:3: ")
    assert f"  3 | >>> {line.splitlines()[0]}" in caught.value.excerpt


def test_excerpt_shows_the_lines_around_and_marks_all_of_the_instruction() -> None:
    with pytest.raises(DockerfileError) as caught:
        parse("FROM a\nRUN b\n\nRUN --bad \\\n  x\nCMD c\nUSER d\nUSER e\n")
    assert str(caught.value).splitlines() == [
        "Dockerfile:4: unknown flag: --bad",
        "  2 |     RUN b",
        "  3 |",
        "  4 | >>> RUN --bad \\",
        "  5 | >>>   x",
        "  6 |     CMD c",
        "  7 |     USER d",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_empty_file_is_an_error(text: str) -> None:
    with pytest.raises(DockerfileError, match="cannot be empty"):
        parse(text)


def test_instruction_before_the_first_from_is_an_error() -> None:
    with pytest.raises(DockerfileError, match="no build stage in current context") as caught:
        parse("ARG A\nRUN x\nFROM a\n")
    assert caught.value.location.line == 2


def test_file_of_arguments_alone_has_no_stage() -> None:
    with pytest.raises(DockerfileError, match="has no FROM"):
        parse("ARG A\n")


def test_trigger_of_an_image_is_told_with_the_image() -> None:
    with pytest.raises(DockerfileError, match=r"ONBUILD of base:1:1: unknown instruction: NOPE"):
        parse_trigger("NOPE x", "base:1")
    with pytest.raises(DockerfileError, match="exactly one instruction"):
        parse_trigger("RUN x\nRUN y", "base:1")

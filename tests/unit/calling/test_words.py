"""The words of a call: functions one after the other, with their arguments."""

import pytest

from keelway.calling.registry import Registry
from keelway.calling.words import Call, own_options, understand
from keelway.errors import ConfigError
from tests.unit.calling.sample import Sample


def called(*words: str) -> Call:
    return understand(words, Registry(Sample))


def given(call: Call) -> list[tuple[str, dict[str, list[str]]]]:
    return [(step.function.command, step.given) for step in call.steps]


def test_functions_follow_each_other() -> None:
    call = called("part", "--name=a", "shout", "--times=2")
    assert given(call) == [("", {}), ("part", {"name": ["a"]}), ("shout", {"times": ["2"]})]
    assert call.path == "keelway call part shout"
    assert call.rest is None


@pytest.mark.parametrize(
    "words",
    [("--dry-run",), ("--dry-run=true",), ("--dryRun",), ("--dry_run=true",)],
)
def test_flags_are_written_in_any_case_and_stand_for_true(words: tuple[str, ...]) -> None:
    call = called("part", "--name", "a", *words)
    assert call.steps[1].given == {"name": ["a"], "dry_run": ["true"]}


def test_a_value_may_look_like_a_flag_and_the_last_one_counts() -> None:
    call = called("part", "--name=a", "--name", "--b", "--words=x,y", "--words=z")
    assert call.steps[1].given == {"name": ["--b"], "words": ["x,y", "z"]}


def test_the_constructor_has_arguments_before_the_first_function() -> None:
    call = called("--source=.", "count", "--number=1")
    assert call.steps[0].given == {"source": ["."]}


def test_options_of_the_call_stand_anywhere() -> None:
    words = ["-mci", "part", "--name=a", "-o", "out.txt", "shout", "--json", "--engine=local"]
    assert own_options(words)["mod"] == "ci"
    assert called(*words).options == {
        "mod": "ci", "output": "out.txt", "json": "true", "engine": "local"
    }  # fmt: skip


def test_functions_of_dagger_s_own_types_follow_too() -> None:
    call = called("box", "--image=alpine:3", "with-exec", "--args=ls,-l", "stdout")
    assert given(call)[2:] == [("with-exec", {"args": ["ls,-l"]}), ("stdout", {})]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prt",), "keelway call: Sample has no function 'prt'. Did you mean 'part'?"),
        (("part",), "keelway call part: --name: the argument is missing (string)"),
        (
            ("part", "--nam=a"),
            "keelway call part: --nam: part has no such argument. Did you mean '--name'?",
        ),
        (("part", "--name"), "keelway call part: --name: its value is missing"),
        (
            ("part", "--name=a", "shout", "shout"),
            "'shout' cannot follow: shout gives string, which has no functions",
        ),
        (
            ("box", "--image=a", "with-exce"),
            "Container has no function 'with-exce'. Did you mean 'with-exec'?",
        ),
    ],
)
def test_what_is_wrong_is_named(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        called(*words)
    assert said in caught.value.diagnostics()
    assert "next: " in caught.value.diagnostics()
    assert caught.value.exit_code == 2


def test_help_asks_for_no_arguments() -> None:
    assert "help" in called("part", "shout", "--help").options

"""What `with_exec` runs, how it ends, and what its errors say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest
from dagger import ReturnType

from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from tests.support.sample_images import SampleImages

OUTPUT_LIMIT = 102400


async def test_stdout_and_stderr_come_apart_and_untrimmed(base: dagger.Container) -> None:
    done = shell(base, "echo ' out '; echo; echo ' err ' >&2")
    assert await done.stdout() == " out \n\n"
    assert await done.stderr() == " err \n"


async def test_combined_output_has_both_streams_in_order(base: dagger.Container) -> None:
    done = shell(base, "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three")
    assert await done.combined_output() == "one\ntwo\nthree\n"


async def test_bytes_that_are_no_utf8_do_not_break_the_answer(base: dagger.Container) -> None:
    text = await output(base, r"printf 'a\377b\n'")
    assert text.startswith("a")
    assert text.endswith("b\n")


async def test_arguments_reach_the_program_as_they_are(base: dagger.Container) -> None:
    words = ["a b", "", "$HOME", "*", "ü\n'\""]
    done = base.with_exec(["printf", "[%s]", *words])
    assert await done.stdout() == "".join(f"[{word}]" for word in words)


async def test_stdout_reads_the_last_exec_only(base: dagger.Container) -> None:
    done = base.with_exec(["echo", "first"]).with_exec(["echo", "second"])
    assert await done.stdout() == "second\n"


async def test_stdout_survives_file_steps_after_the_exec(base: dagger.Container) -> None:
    done = base.with_exec(["echo", "said"]).with_new_file("/later", "x")
    assert await done.stdout() == "said\n"


@pytest.mark.parametrize("leaf", ["stdout", "stderr", "combined_output", "exit_code"])
async def test_output_without_any_exec_is_an_error_and_runs_nothing(
    base: dagger.Container, leaf: str
) -> None:
    with pytest.raises(dagger.QueryError, match="no command has been set"):
        await getattr(base.with_default_args(["echo", "default"]), leaf)()


async def test_exit_code_of_a_good_command_is_zero(base: dagger.Container) -> None:
    assert await base.with_exec(["true"]).exit_code() == 0


async def test_failed_command_tells_all_the_sdk_reads(base: dagger.Container) -> None:
    script = "echo ' to stdout '; echo ' to stderr ' >&2; exit 41"
    with pytest.raises(dagger.ExecError) as caught:
        await settle(shell(base, script))
    error = caught.value
    assert error.message.startswith("exit code: 41")
    assert error.exit_code == 41
    assert error.command == ["sh", "-c", script]
    assert (error.stdout, error.stderr) == ("to stdout", "to stderr")


async def test_errors_keep_the_last_100_kib_with_a_marker_inside(base: dagger.Container) -> None:
    total = 300_000
    script = f"head -c {total - 4} /dev/zero | tr '\\0' x; printf tail; exit 3"
    with pytest.raises(dagger.ExecError) as caught:
        await settle(shell(base, script))
    told = caught.value.stdout
    assert told.startswith(f"[omitting {total - OUTPUT_LIMIT} bytes]...")
    assert told.endswith("xxxtail")
    assert len(told) == OUTPUT_LIMIT


async def test_whole_output_of_a_good_command_is_kept(base: dagger.Container) -> None:
    text = await output(base, "seq 1 60000")
    assert text.splitlines()[0] == "1"
    assert text.splitlines()[-1] == "60000"
    assert len(text.splitlines()) == 60000


async def test_failure_names_the_entrypoint_in_its_command(base: dagger.Container) -> None:
    failing = base.with_entrypoint(["sh", "-c"]).with_exec(["exit 9"], use_entrypoint=True)
    with pytest.raises(dagger.ExecError) as caught:
        await settle(failing)
    assert caught.value.command == ["sh", "-c", "exit 9"]


@pytest.mark.parametrize("code", [1, 2, 127, 192, 255])
async def test_expect_any_hands_out_the_exit_code(base: dagger.Container, code: int) -> None:
    done = base.with_exec(["sh", "-c", f"echo said; exit {code}"], expect=ReturnType.ANY)
    assert await done.exit_code() == code
    assert await done.stdout() == "said\n"


async def test_expect_any_keeps_what_the_failed_command_wrote(base: dagger.Container) -> None:
    done = base.with_exec(["sh", "-c", "echo kept > /kept; exit 5"], expect=ReturnType.ANY)
    assert await done.file("/kept").contents() == "kept\n"


@pytest.mark.parametrize("code", [128, 137, 143, 191])
async def test_signal_exit_codes_fail_even_when_any_is_expected(
    base: dagger.Container, code: int
) -> None:
    with pytest.raises(dagger.ExecError) as caught:
        await settle(base.with_exec(["sh", "-c", f"exit {code}"], expect=ReturnType.ANY))
    assert caught.value.exit_code == code


async def test_command_killed_by_a_signal_fails_with_its_code(base: dagger.Container) -> None:
    with pytest.raises(dagger.ExecError) as caught:
        await settle(base.with_exec(["sh", "-c", "kill -9 $$"], expect=ReturnType.ANY))
    assert caught.value.exit_code == 137


async def test_expect_failure_accepts_a_failure(base: dagger.Container) -> None:
    done = base.with_exec(["sh", "-c", "exit 7"], expect=ReturnType.FAILURE)
    assert await done.exit_code() == 7


async def test_expect_failure_fails_on_success(base: dagger.Container) -> None:
    with pytest.raises(dagger.ExecError, match="exit code: 0"):
        await settle(base.with_exec(["true"], expect=ReturnType.FAILURE))


async def test_program_that_does_not_exist_is_an_error_that_names_it(
    base: dagger.Container,
) -> None:
    with pytest.raises(dagger.QueryError) as caught:
        await settle(base.with_exec(["no-such-program"]))
    told = str(caught.value) + getattr(caught.value, "stderr", "")
    assert "no-such-program" in told


async def test_empty_arguments_run_the_default_arguments(base: dagger.Container) -> None:
    done = base.with_default_args(["echo", "by default"]).with_exec([])
    assert await done.stdout() == "by default\n"


async def test_nothing_to_run_is_an_error(dag: dagger.Client, samples: SampleImages) -> None:
    empty = dag.container().from_(samples.busybox).without_default_args()
    with pytest.raises(dagger.QueryError, match="no command has been set"):
        await settle(empty.with_exec([]))


async def test_entrypoint_is_left_out_unless_asked_for(base: dagger.Container) -> None:
    entered = base.with_entrypoint(["echo", "entry"])
    assert await entered.with_exec(["echo", "plain"]).stdout() == "plain\n"
    assert await entered.with_exec(["arg"], use_entrypoint=True).stdout() == "entry arg\n"


async def test_entrypoint_takes_default_arguments_when_none_are_given(
    base: dagger.Container,
) -> None:
    ready = base.with_entrypoint(["echo", "entry"]).with_default_args(["default"])
    assert await ready.with_exec([], use_entrypoint=True).stdout() == "entry default\n"


async def test_stdin_is_given_to_the_command(base: dagger.Container) -> None:
    assert await base.with_exec(["cat"], stdin="line\nno end").stdout() == "line\nno end"


async def test_stdin_is_empty_when_none_is_given(base: dagger.Container) -> None:
    assert await base.with_exec(["wc", "-c"]).stdout() == "0\n"


async def test_large_stdin_passes_whole(base: dagger.Container) -> None:
    text = "0123456789abcdef" * 20_000
    done = base.with_exec(["sh", "-c", "sleep 0.2; wc -c"], stdin=text)
    assert (await done.stdout()).strip() == str(len(text))


async def test_expand_replaces_variables_in_arguments(base: dagger.Container) -> None:
    ready = base.with_env_variable("NAME", "value")
    done = ready.with_exec(["echo", "$NAME", "${NAME}x", "[$UNSET]"], expand=True)
    assert await done.stdout() == "value valuex []\n"


async def test_arguments_are_not_expanded_unless_asked(base: dagger.Container) -> None:
    done = base.with_env_variable("NAME", "value").with_exec(["echo", "$NAME"])
    assert await done.stdout() == "$NAME\n"


async def test_exec_changes_the_files_but_not_the_settings(base: dagger.Container) -> None:
    ready = base.with_env_variable("A", "1").with_workdir("/var").with_label("l", "v")
    done = shell(ready, "export A=2; cd /; echo x > /made")
    assert await done.env_variable("A") == "1"
    assert await done.workdir() == "/var"
    assert await done.label("l") == "v"
    assert await done.file("/made").contents() == "x\n"


async def test_deep_chain_of_execs_sees_all_earlier_writes(base: dagger.Container) -> None:
    chain = base
    for number in range(60):
        chain = shell(chain, f"echo {number} >> /log; echo x > /f{number}")
    assert await output(chain, "wc -l < /log; ls / | grep -c '^f[0-9]'") == "60\n60\n"


async def test_exec_on_scratch_without_its_program_is_an_error(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError):
        await settle(dag.container().with_exec(["/bin/true"]))

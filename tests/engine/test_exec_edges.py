"""Odd corners of commands: users, folders, streams, and the exact shape of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from tests.support.raw_session import RawSession
    from tests.support.sample_images import SampleImages


def test_exec_error_has_exactly_its_keys(raw: RawSession, samples: SampleImages) -> None:
    error = raw.error(
        f'{{ container {{ from(address: "{samples.busybox}") {{ '
        'withExec(args: ["sh", "-c", "echo o; echo e >&2; exit 3"]) { stdout } } } }'
    )
    assert error["extensions"] == {
        "_type": "EXEC_ERROR",
        "cmd": ["sh", "-c", "echo o; echo e >&2; exit 3"],
        "exitCode": 3,
        "stdout": "o",
        "stderr": "e",
    }
    assert error["message"].startswith("exit code: 3")
    assert error["path"] == ["container", "from", "withExec", "stdout"]


async def test_root_has_its_supplementary_groups(base: dagger.Container) -> None:
    assert set((await output(base, "id -G")).split()) == {"0", "29"}


async def test_numeric_user_that_is_known_has_its_groups(base: dagger.Container) -> None:
    assert await output(base.with_user("1001"), "id -u; id -g") == "1001\n2002\n"


async def test_unknown_group_is_an_error_that_names_it(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="no-such-group"):
        await settle(base.with_user("app:no-such-group").with_exec(["true"]))


async def test_missing_workdir_belongs_to_the_user_of_the_exec(base: dagger.Container) -> None:
    ready = base.with_user("app").with_workdir("/home/app/deep/made")
    assert await output(ready, "stat -c '%a %u' .; touch here && echo mine") == "755 1000\nmine\n"


async def test_workdir_that_is_a_file_is_an_error(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError):
        await settle(base.with_new_file("/f", "x").with_workdir("/f").with_exec(["true"]))


async def test_zero_bytes_and_unicode_come_through(base: dagger.Container) -> None:
    assert await output(base, r"printf 'a\0b\n\342\202\254\n'") == "a\0b\n€\n"


async def test_variables_may_have_lines_quotes_and_equal_signs(base: dagger.Container) -> None:
    value = "one\ntwo=\"2\" 'x' $HOME \\n €"
    ready = base.with_env_variable("V", value)
    assert await output(ready, 'printf %s "$V"') == value
    assert await ready.env_variable("V") == value


async def test_long_arguments_and_variables_pass(base: dagger.Container) -> None:
    text = "x" * 100_000
    ready = base.with_env_variable("LONG", text)
    done = ready.with_exec(["sh", "-c", "echo ${#LONG} ${#1}", "sh", text])
    assert await done.stdout() == "100000 100000\n"


async def test_both_streams_may_be_written_at_length_at_once(base: dagger.Container) -> None:
    loop = "i=0; while [ $i -lt 3000 ]; do echo out-$i; echo err-$i >&2; i=$((i+1)); done"
    done = shell(base, loop)
    assert len((await done.stdout()).splitlines()) == 3000
    assert (await done.stderr()).splitlines()[-1] == "err-2999"


async def test_command_that_ignores_its_stdin_is_fine(base: dagger.Container) -> None:
    done = base.with_exec(["echo", "ok"], stdin="x" * 1_000_000)
    assert await done.stdout() == "ok\n"


async def test_output_without_a_last_newline_is_kept_so(base: dagger.Container) -> None:
    assert await output(base, "printf end") == "end"


async def test_redirect_onto_a_directory_is_an_error(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="etc"):
        await settle(base.with_exec(["true"], redirect_stdout="/etc"))


async def test_background_process_that_holds_the_output_does_not_hold_the_command(
    base: dagger.Container, nonce: str
) -> None:
    assert await output(base.with_env_variable("N", nonce), "sleep 200 & echo done") == "done\n"


async def test_program_without_the_right_to_run_is_an_error(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError):
        await settle(base.with_new_file("/script", "#!/bin/sh\n").with_exec(["/script"]))


async def test_script_with_its_interpreter_runs(base: dagger.Container) -> None:
    ready = base.with_new_file("/script", "#!/bin/sh -e\necho $0 $1\n", permissions=0o755)
    assert await ready.with_exec(["/script", "x"]).stdout() == "/script x\n"


async def test_programs_are_found_by_the_containers_path(base: dagger.Container) -> None:
    ready = base.with_new_file("/opt/tool", "#!/bin/sh\necho tool\n", permissions=0o755)
    ready = ready.with_env_variable("PATH", "/opt:/bin")
    assert await ready.with_exec(["tool"]).stdout() == "tool\n"


async def test_program_may_be_relative_to_the_workdir(base: dagger.Container) -> None:
    ready = base.with_new_file("/opt/tool", "#!/bin/sh\necho tool\n", permissions=0o755)
    assert await ready.with_workdir("/opt").with_exec(["./tool"]).stdout() == "tool\n"


async def test_exec_error_of_an_earlier_step_is_the_answer(base: dagger.Container) -> None:
    failing = shell(base, "echo early >&2; exit 12").with_exec(["echo", "later"])
    with pytest.raises(dagger.ExecError) as caught:
        await failing.with_new_file("/x", "x").file("/x").contents()
    assert (caught.value.exit_code, caught.value.stderr) == (12, "early")


async def test_directory_of_a_failed_step_is_the_same_error(
    dag: dagger.Client, base: dagger.Container
) -> None:
    bad = shell(base, "mkdir /d; exit 13").directory("/d")
    with pytest.raises(dagger.ExecError) as caught:
        await dag.directory().with_directory("x", bad).entries()
    assert caught.value.exit_code == 13

"""Redirects of `with_exec`: where they read and write, and that they do not divert."""

from __future__ import annotations

import dagger
import pytest

from tests.support.shell import output, settle


async def test_redirected_stdout_is_in_the_file_and_still_in_stdout(base: dagger.Container) -> None:
    done = base.with_exec(["echo", "both"], redirect_stdout="/out.txt")
    assert await done.stdout() == "both\n"
    assert await done.file("/out.txt").contents() == "both\n"


async def test_redirected_stderr_is_in_the_file_and_still_in_stderr(base: dagger.Container) -> None:
    done = base.with_exec(["sh", "-c", "echo bad >&2"], redirect_stderr="/err.txt")
    assert await done.stderr() == "bad\n"
    assert await done.file("/err.txt").contents() == "bad\n"


async def test_redirect_paths_are_relative_to_the_workdir(base: dagger.Container) -> None:
    done = base.with_workdir("/var").with_exec(["echo", "here"], redirect_stdout="out.txt")
    assert await done.file("/var/out.txt").contents() == "here\n"


async def test_redirect_file_is_private_to_the_user_of_the_exec(base: dagger.Container) -> None:
    ready = base.with_user("app").with_workdir("/home/app")
    done = ready.with_exec(["echo", "x"], redirect_stdout="out")
    assert await output(done, "stat -c '%a %u' out") == "600 1000\n"


async def test_redirect_truncates_what_was_there(base: dagger.Container) -> None:
    ready = base.with_new_file("/out", "a long text that was here before\n")
    done = ready.with_exec(["echo", "new"], redirect_stdout="/out")
    assert await done.file("/out").contents() == "new\n"


async def test_redirect_may_lie_in_a_mount(dag: dagger.Client, base: dagger.Container) -> None:
    ready = base.with_mounted_directory("/mnt", dag.directory())
    done = ready.with_exec(["echo", "mounted"], redirect_stdout="/mnt/out")
    assert await done.file("/mnt/out").contents() == "mounted\n"
    assert await done.rootfs().exists("mnt/out") is False


async def test_failed_command_with_redirects_tells_its_output(base: dagger.Container) -> None:
    failing = base.with_exec(
        ["sh", "-c", "echo told; echo why >&2; exit 2"],
        redirect_stdout="/out",
        redirect_stderr="/err",
    )
    with pytest.raises(dagger.ExecError) as caught:
        await settle(failing)
    assert (caught.value.stdout, caught.value.stderr) == ("told", "why")


async def test_both_streams_may_go_to_files_at_once(base: dagger.Container) -> None:
    done = base.with_exec(
        ["sh", "-c", "echo o; echo e >&2"], redirect_stdout="/o", redirect_stderr="/e"
    )
    assert await done.file("/o").contents() == "o\n"
    assert await done.file("/e").contents() == "e\n"


async def test_redirected_stdin_is_read_from_the_container(base: dagger.Container) -> None:
    ready = base.with_new_file("/in.txt", "from a file\n")
    assert await ready.with_exec(["cat"], redirect_stdin="/in.txt").stdout() == "from a file\n"


async def test_redirected_stdin_may_be_a_mounted_file(
    dag: dagger.Client, base: dagger.Container
) -> None:
    ready = base.with_mounted_file("/in", dag.file("in", "from a mount\n"))
    assert await ready.with_exec(["cat"], redirect_stdin="/in").stdout() == "from a mount\n"


async def test_redirected_stdin_may_be_a_mounted_secret(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = base.with_mounted_secret("/in", dag.set_secret(nonce, "12345"))
    assert await ready.with_exec(["wc", "-c"], redirect_stdin="/in").stdout() == "5\n"


async def test_stdin_text_and_file_together_are_refused(base: dagger.Container) -> None:
    ready = base.with_new_file("/in", "x")
    with pytest.raises(dagger.QueryError, match=r"(?i)stdin"):
        await settle(ready.with_exec(["cat"], stdin="y", redirect_stdin="/in"))


async def test_missing_stdin_file_is_an_error_that_names_it(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="nowhere"):
        await settle(base.with_exec(["cat"], redirect_stdin="/nowhere.txt"))


async def test_command_finds_in_the_file_what_it_has_said(base: dagger.Container) -> None:
    waits = "echo said; until grep -q said /out; do usleep 50000; done; wc -l </out >&2"
    done = base.with_exec(["sh", "-c", waits], redirect_stdout="/out")
    assert (await done.stderr()).strip() == "1"


async def test_folder_of_a_redirect_must_be_there(base: dagger.Container) -> None:
    late = base.with_exec(["mkdir", "/late"], redirect_stdout="/late/out")
    with pytest.raises(dagger.QueryError, match="no such file or directory"):
        await settle(late)

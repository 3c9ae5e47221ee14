"""The world of a command: environment, user, folder, init, network, and no traces of it."""

from __future__ import annotations

import dagger
import pytest

from tests.support.shell import output, settle, shell

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


async def test_hostname_is_dagger(base: dagger.Container) -> None:
    assert await base.with_exec(["hostname"]).stdout() == "dagger\n"


async def test_path_has_its_default_when_nothing_sets_it(base: dagger.Container) -> None:
    done = base.without_env_variable("PATH").with_exec(["/bin/sh", "-c", "env | grep ^PATH="])
    assert await done.stdout() == f"PATH={DEFAULT_PATH}\n"


@pytest.mark.parametrize(("user", "home"), [("root", "/root"), ("app", "/home/app")])
async def test_home_comes_from_the_passwd_file(
    base: dagger.Container, user: str, home: str
) -> None:
    assert await output(base.with_user(user), "echo $HOME") == f"{home}\n"


async def test_user_by_name_has_its_supplementary_groups(base: dagger.Container) -> None:
    said = await output(base.with_user("app"), "id -u; id -g; id -G")
    uid, gid, groups = said.splitlines()
    assert (uid, gid) == ("1000", "1000")
    assert set(groups.split()) == {"1000", "50", "29"}


async def test_user_of_an_exec_has_the_passwd_primary_group(base: dagger.Container) -> None:
    assert await output(base.with_user("worker"), "id -u; id -g") == "1001\n2002\n"


@pytest.mark.parametrize(
    ("user", "ids"),
    [("1000:50", "1000 50"), ("app:audio", "1000 29"), ("4321", "4321 0"), ("0:7", "0 7")],
)
async def test_user_may_be_ids_or_names_with_a_group(
    base: dagger.Container, user: str, ids: str
) -> None:
    assert await output(base.with_user(user), 'echo "$(id -u) $(id -g)"') == f"{ids}\n"


async def test_unknown_user_is_an_error_that_names_it(base: dagger.Container) -> None:
    with pytest.raises(dagger.QueryError, match="nobody-here"):
        await settle(base.with_user("nobody-here").with_exec(["true"]))


async def test_commands_run_in_the_root_by_default(base: dagger.Container) -> None:
    assert await base.with_exec(["pwd"]).stdout() == "/\n"


async def test_missing_workdir_is_made_for_the_user(base: dagger.Container) -> None:
    done = shell(base.with_workdir("/made/deep"), "pwd; stat -c '%a %u' .")
    assert await done.stdout() == "/made/deep\n755 0\n"


async def test_first_process_is_an_init_that_reaps(base: dagger.Container) -> None:
    script = "test $$ != 1 || exit 9; (sleep 0.1 &); sleep 0.4; ps -o stat | grep -c '^Z' || true"
    assert await output(base, script) == "0\n"


async def test_no_init_makes_the_command_the_first_process(base: dagger.Container) -> None:
    done = base.with_exec(["sh", "-c", "echo $$"], no_init=True)
    assert await done.stdout() == "1\n"


async def test_no_init_still_tells_the_exit_code(base: dagger.Container) -> None:
    with pytest.raises(dagger.ExecError) as caught:
        await settle(base.with_exec(["sh", "-c", "exit 6"], no_init=True))
    assert caught.value.exit_code == 6


async def test_exec_that_changes_nothing_leaves_no_difference(base: dagger.Container) -> None:
    before, after = base.rootfs(), base.with_exec(["true"]).rootfs()
    assert await before.diff(after).entries() == []
    assert await before.digest() == await after.digest()


async def test_mount_points_leave_no_trace_in_the_rootfs(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    ready = (
        base.with_mounted_directory("/one/dir", dag.directory())
        .with_mounted_file("/two/file", dag.file("f", "x"))
        .with_mounted_cache("/three", dag.cache_volume(nonce))
        .with_mounted_temp("/four")
        .with_mounted_secret("/five/secret", dag.set_secret(nonce, "x"))
    )
    made = await ready.with_exec(["true"]).rootfs().entries()
    assert not {"one/", "two/", "three/", "four/", "five/"} & set(made)


async def test_written_names_files_of_an_exec_stay_its_own(base: dagger.Container) -> None:
    done = base.with_new_file("/etc/hosts", "10.9.8.7 mine\n").with_exec(["true"])
    assert await done.rootfs().file("etc/hosts").contents() == "10.9.8.7 mine\n"


async def test_localhost_resolves_inside(base: dagger.Container) -> None:
    assert "127.0.0.1" in await output(base, "grep localhost /etc/hosts")


async def test_commands_are_confined_by_default(base: dagger.Container) -> None:
    done = shell(base, "mount -t tmpfs none /tmp 2>/dev/null && echo mounted || echo refused")
    assert await done.stdout() == "refused\n"


async def test_insecure_root_capabilities_allow_a_mount(base: dagger.Container) -> None:
    done = base.with_exec(
        ["sh", "-c", "mount -t tmpfs none /tmp && echo mounted"], insecure_root_capabilities=True
    )
    assert await done.stdout() == "mounted\n"


async def test_processes_of_the_host_are_not_seen(base: dagger.Container) -> None:
    count = int(await output(base, "ls /proc | grep -c '^[0-9]'"))
    assert count < 8


async def test_usual_devices_and_file_systems_are_there(base: dagger.Container) -> None:
    script = (
        "for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done;"
        "test -d /dev/shm && test -d /dev/pts && test -d /sys/kernel && test -r /proc/self/status"
    )
    assert await output(base, script) == ""


async def test_each_exec_has_its_own_shared_memory_and_temp_files_persist(
    base: dagger.Container,
) -> None:
    first = shell(base, "echo x > /dev/shm/gone; echo y > /tmp/kept")
    assert await output(first, "ls /dev/shm; cat /tmp/kept") == "y\n"


async def test_background_processes_end_with_the_command(base: dagger.Container) -> None:
    done = shell(base, "(sleep 300; echo late > /late) & echo done")
    assert await done.stdout() == "done\n"
    assert await done.exists("/late") is False

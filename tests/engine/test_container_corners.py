"""Corners of containers: what is told after which call, and what is put at mount points."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dagger
import pytest

from tests.support.sample_images import SampleImages, copy_image
from tests.support.shell import output, settle, shell

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.support.raw_session import RawSession

NO_REFERENCE = "Image reference can only be retrieved immediately after the 'Container.From' call"


async def error_of(answer: Awaitable[object]) -> str:
    """Return the message of the error that a query brings."""
    with pytest.raises(dagger.QueryError) as caught:
        await answer
    return str(caught.value)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("linux/x86_64", "linux/amd64"),
        ("Linux/AMD64", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64/v8"),
        ("linux/arm/v7", "linux/arm/v7"),
    ],
)
async def test_platform_is_told_back_by_its_usual_name(
    dag: dagger.Client, asked: str, told: str
) -> None:
    assert await dag.container(platform=dagger.Platform(asked)).platform() == told


async def test_operating_system_alone_is_a_platform(dag: dagger.Client) -> None:
    alone = dag.container(platform=dagger.Platform("linux"))
    assert await alone.platform() == await dag.default_platform()


async def test_platform_that_is_none_is_an_error(dag: dagger.Client) -> None:
    for text in ("", "vax", "linux/vax", "a/b/c/d"):
        message = await error_of(dag.container(platform=dagger.Platform(text)).platform())
        assert "unknown operating system or architecture" in message


async def test_expand_tells_volatile_variables_from_others(base: dagger.Container) -> None:
    ready = base.with_volatile_variable("V", "1").with_env_variable("A", "${V}", expand=True)
    message = await error_of(ready.env_variable("A"))
    assert message.startswith('expand cannot be used with volatile env variable "V"')


async def test_newest_volatile_value_is_what_earlier_chains_get(
    base: dagger.Container, nonce: str
) -> None:
    base = base.with_env_variable("N", nonce)
    first = base.with_volatile_variable(f"V{nonce}", "one")
    assert await output(first, f"echo $V{nonce}") == "one\n"
    await settle(base.with_volatile_variable(f"V{nonce}", "two"))
    assert await output(first, f"echo later $V{nonce}") == "later two\n"


async def test_health_check_needs_a_command(dag: dagger.Client) -> None:
    ready = dag.container()
    none = ready.with_docker_healthcheck([])
    assert "args is missing" in await error_of(none.docker_healthcheck().args())
    words = ready.with_docker_healthcheck(["a", "b"], shell=True)  # noqa: S604 - a health check
    assert "a single element" in await error_of(words.docker_healthcheck().args())


async def test_image_ref_is_gone_after_changes_of_the_container(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    secret = dag.set_secret(nonce, "value")
    for changed in (
        base.with_annotation("a", "b"),
        base.with_volatile_variable("V", "1"),
        base.with_secret_variable("S", secret),
        base.with_exposed_port(80),
        base.with_mounted_directory("/m", dag.directory()),
        base.with_exec(["echo", nonce]),
    ):
        assert NO_REFERENCE in await error_of(changed.image_ref())


async def test_image_ref_stays_with_files_and_commands_that_have_run(
    dag: dagger.Client, base: dagger.Container
) -> None:
    reference = await base.image_ref()
    assert await base.with_directory("/d", dag.directory()).image_ref() == reference
    assert await base.with_new_file("/f", "x").image_ref() == reference
    ran = await base.with_exec(["true"]).sync()
    assert await ran.image_ref() == reference


async def test_image_ref_is_the_first_name_of_a_digest(
    dag: dagger.Client, base: dagger.Container, samples: SampleImages
) -> None:
    reference = await base.image_ref()
    other = f"{samples.busybox.rpartition(':')[0]}:second-name"
    copy_image(f"docker://{samples.busybox}", f"docker://{other}")
    assert await dag.container().from_(other).image_ref() == reference


@pytest.mark.parametrize("leaf", ["platform", "workdir", "mounts", "exit_code", "image_ref"])
async def test_with_error_fails_each_leaf(base: dagger.Container, leaf: str) -> None:
    assert "on purpose" in await error_of(getattr(base.with_error("on purpose"), leaf)())


async def test_platform_runs_what_is_pending_first(base: dagger.Container) -> None:
    with pytest.raises(dagger.ExecError, match="exit code: 7"):
        await shell(base, "exit 7").platform()


async def test_command_that_is_missing_shows_when_it_would_run(dag: dagger.Client) -> None:
    nothing = dag.container().with_exec([])
    assert await nothing.id()
    assert "no command has been set" in await error_of(nothing.stdout())


async def test_what_is_put_at_a_mount_point_lies_below_the_mount(
    dag: dagger.Client, base: dagger.Container
) -> None:
    directory = dag.directory().with_new_file("a", "a")
    file = dag.file("f", "put")
    covered = base.with_mounted_directory("/m", directory)
    for changed in (covered.with_file("/m", file), covered.with_new_file("/m", "put")):
        assert await changed.mounts() == []
        assert await changed.rootfs().file("m").contents() == "put"
    covered = base.with_mounted_file("/m", dag.file("g", "mounted"))
    changed = covered.with_directory("/m", directory)
    assert await changed.mounts() == []
    assert await changed.rootfs().directory("m").entries() == ["a"]


async def test_what_is_removed_at_a_mount_point_is_the_mount_and_what_is_below(
    dag: dagger.Client, base: dagger.Container
) -> None:
    below = base.with_new_file("/m/below", "x")
    for removed in (
        below.with_mounted_directory("/m", dag.directory()).without_directory("/m"),
        base.with_mounted_file("/m", dag.file("g", "mounted")).without_file("/m"),
    ):
        assert await removed.mounts() == []
        assert await removed.exists("/m") is False


async def test_mount_of_what_is_not_there_fails_the_sync(base: dagger.Container) -> None:
    ready = base.with_mounted_directory("/m", base.directory("/nowhere"))
    assert "nowhere: no such file or directory" in await error_of(ready.sync())


async def test_file_in_a_cache_has_an_id_and_no_contents(
    dag: dagger.Client, base: dagger.Container, nonce: str
) -> None:
    file = base.with_mounted_cache("/c", dag.cache_volume(nonce)).file("/c/f")
    assert await file.id()
    assert "f: cannot retrieve path from cache" in await error_of(file.contents())


async def test_paths_that_are_something_else_are_told_as_asked(base: dagger.Container) -> None:
    message = await error_of(base.directory("/etc/passwd").entries())
    assert message.startswith("path /etc/passwd is a file, not a directory")
    message = await error_of(base.with_workdir("/etc").directory("nowhere").entries())
    assert message.startswith("nowhere: no such file or directory")


async def test_home_of_an_unknown_user_is_the_root(base: dagger.Container) -> None:
    assert await output(base.with_user("4321"), "echo $HOME") == "/\n"


async def test_primary_group_is_among_all_groups(base: dagger.Container) -> None:
    assert await output(base.with_user("4321:17"), "grep Groups /proc/self/status") == (
        "Groups:\t17 \n"
    )


async def test_first_process_is_an_init(base: dagger.Container) -> None:
    assert await output(base, "cat /proc/1/comm") == ".init\n"


def test_null_leaves_an_argument_its_default(raw: RawSession) -> None:
    data = raw.data(
        '{ file(name: "f", contents: "x", permissions: null) { stat { permissions } } '
        "container { withExposedPort(port: 1, protocol: null, description: null) "
        "{ exposedPorts { protocol } } } "
        'directory { withNewFile(path: "f", contents: "x", permissions: null) '
        "{ entries(path: null) } } }"
    )
    assert data["file"]["stat"]["permissions"] == 0o644
    assert data["container"]["withExposedPort"]["exposedPorts"] == [{"protocol": "TCP"}]
    assert data["directory"]["withNewFile"]["entries"] == ["f"]


def test_numbers_may_come_as_texts_and_round_fractions(raw: RawSession) -> None:
    for port in ("8080", '"8080"', "8080.0"):
        data = raw.data(
            f"{{ container {{ withExposedPort(port: {port}) {{ exposedPorts {{ port }} }} }} }}"
        )
        assert data["container"]["withExposedPort"]["exposedPorts"] == [{"port": 8080}]


def test_object_without_a_selection_is_told_by_its_field(raw: RawSession) -> None:
    message = raw.error('{ container { withWorkdir(path: "/x") } }')["message"]
    assert 'field "withWorkdir" of type "Container" must have a selection of subfields' in message


def test_texts_that_no_path_or_command_can_have_are_refused(
    raw: RawSession, samples: SampleImages
) -> None:
    start = f'{{ container {{ from(address: "{samples.busybox}") {{'
    for query in (
        '{ directory { withNewFile(path: "a\\u0000b", contents: "") { entries } } }',
        '{ host { directory(path: "a\\u0000b") { entries } } }',
        start + ' withExec(args: ["echo", "a\\u0000b"]) { stdout } } } }',
        start + ' withEnvVariable(name: "A", value: "\\u0000") { withExec(args: ["env"]) '
        "{ stdout } } } } }",
    ):
        assert "invalid argument" in raw.error(query)["message"]
    query = 'query($t: String!) { file(name: "f", contents: $t) { size } }'
    body = json.dumps({"query": query, "variables": {"t": "\ud800"}})
    headers = {"Content-Type": "application/json"}
    answer = raw.client.post(raw.url, content=body, auth=(raw.token, ""), headers=headers)
    assert "surrogate" in answer.json()["errors"][0]["message"]


def test_operation_names_are_looked_at_in_every_query(raw: RawSession) -> None:
    assert raw.answer("query A { version }", operationName="")["data"]["version"]
    assert "Nope" in raw.error("{ version }", operationName="Nope")["message"]


def test_head_is_answered_without_a_body(raw: RawSession) -> None:
    answer = raw.client.head(raw.url, auth=(raw.token, ""))
    assert (answer.status_code, answer.content) == (405, b"")
    assert raw.data("{ version }")


async def test_workdir_that_is_absolute_stays_as_it_was_given(base: dagger.Container) -> None:
    assert await base.with_workdir("/a/../b/").workdir() == "/a/../b/"
    assert await base.with_workdir("/a").with_workdir("../b/./c/").workdir() == "/b/c"
    assert await output(base.with_workdir("/no/../where/"), "pwd") == "/where\n"


async def test_port_that_is_taken_back_takes_those_of_the_image_with_it(
    dag: dagger.Client, samples: SampleImages
) -> None:
    configured = dag.container().from_(samples.configured)
    ready = configured.with_exposed_port(1).with_exposed_port(2).with_exposed_port(1)
    assert [await port.port() for port in await ready.exposed_ports()][-2:] == [1, 2]
    left = ready.without_exposed_port(2)
    assert [await port.port() for port in await left.exposed_ports()] == [1]


async def test_expand_drops_what_is_not_closed(base: dagger.Container) -> None:
    known = base.with_env_variable("A", "1")
    text = "$A ${A} $NO$$ ${NO} ${A"
    assert await known.with_env_variable("B", text, expand=True).env_variable("B") == "1 1   A"

"""A container's settings: variables, user, workdir, entrypoint, labels, ports, annotations."""

from __future__ import annotations

import dagger
import pytest
from dagger import NetworkProtocol

from tests.support.shell import output, settle


@pytest.fixture
def scratch(dag: dagger.Client) -> dagger.Container:
    """A container without any files."""
    return dag.container()


async def variables(container: dagger.Container) -> list[tuple[str, str]]:
    """Return the variables in their order."""
    found = await container.env_variables()
    return [(await one.name(), await one.value()) for one in found]


async def test_variables_keep_their_order_and_place_when_replaced(
    scratch: dagger.Container,
) -> None:
    ready = scratch.with_env_variable("B", "1").with_env_variable("A", "2")
    ready = ready.with_env_variable("C", "3").with_env_variable("B", "4")
    assert await variables(ready) == [("B", "4"), ("A", "2"), ("C", "3")]


async def test_absent_variable_is_null_and_empty_one_is_empty(scratch: dagger.Container) -> None:
    ready = scratch.with_env_variable("EMPTY", "")
    assert await ready.env_variable("EMPTY") == ""
    assert await ready.env_variable("ABSENT") is None


async def test_empty_variable_is_set_in_execs(base: dagger.Container) -> None:
    ready = base.with_env_variable("EMPTY", "")
    assert await output(ready, "echo ${EMPTY+set}${ABSENT+set}") == "set\n"


async def test_removed_variable_is_gone_everywhere(base: dagger.Container) -> None:
    ready = base.with_env_variable("GONE", "x").without_env_variable("GONE")
    assert await ready.env_variable("GONE") is None
    assert await output(ready, "echo ${GONE+set}") == "\n"


async def test_variable_expands_earlier_ones_when_asked(scratch: dagger.Container) -> None:
    ready = scratch.with_env_variable("A", "a").with_env_variable(
        "B", "$A-${A}-${NONE}-end", expand=True
    )
    assert await ready.env_variable("B") == "a-a--end"
    plain = scratch.with_env_variable("A", "a").with_env_variable("B", "$A")
    assert await plain.env_variable("B") == "$A"


async def test_variable_may_extend_itself(scratch: dagger.Container) -> None:
    ready = scratch.with_env_variable("PATH", "/bin").with_env_variable(
        "PATH", "/opt/bin:$PATH", expand=True
    )
    assert await ready.env_variable("PATH") == "/opt/bin:/bin"


async def test_expanding_a_secret_variable_is_refused(
    dag: dagger.Client, scratch: dagger.Container, nonce: str
) -> None:
    ready = scratch.with_secret_variable("TOKEN", dag.set_secret(nonce, "x"))
    with pytest.raises(
        dagger.QueryError, match='expand cannot be used with secret env variable "TOKEN"'
    ):
        await ready.with_env_variable("B", "$TOKEN", expand=True).env_variable("B")


async def test_volatile_variable_is_seen_by_execs_but_not_listed(
    base: dagger.Container, nonce: str
) -> None:
    fresh = base.with_env_variable("FRESH", nonce).with_env_variable("V", "config")
    ready = fresh.with_volatile_variable("V", nonce)
    assert await output(ready, "echo $V") == f"{nonce}\n"
    assert await ready.env_variable("V") == "config"


async def test_workdir_is_relative_to_the_one_before(scratch: dagger.Container) -> None:
    ready = scratch.with_workdir("/srv").with_workdir("app/../sub")
    assert await ready.workdir() == "/srv/sub"
    assert await ready.with_workdir("/").workdir() == "/"


async def test_workdir_can_be_unset(base: dagger.Container) -> None:
    ready = base.with_workdir("/var").without_workdir()
    assert await ready.with_exec(["pwd"]).stdout() == "/\n"


async def test_workdir_expands_when_asked(scratch: dagger.Container) -> None:
    ready = scratch.with_env_variable("WHERE", "/srv/app").with_workdir("$WHERE/x", expand=True)
    assert await ready.workdir() == "/srv/app/x"


async def test_user_is_empty_until_set(scratch: dagger.Container) -> None:
    assert await scratch.user() == ""
    assert await scratch.with_user("app:audio").user() == "app:audio"
    assert await scratch.with_user("app").without_user().user() == ""


async def test_entrypoint_clears_default_arguments(scratch: dagger.Container) -> None:
    ready = scratch.with_default_args(["default"])
    assert await ready.with_entrypoint(["/run"]).default_args() == []
    kept = ready.with_entrypoint(["/run"], keep_default_args=True)
    assert await kept.entrypoint() == ["/run"]
    assert await kept.default_args() == ["default"]


async def test_removing_the_entrypoint_clears_default_arguments_too(
    scratch: dagger.Container,
) -> None:
    ready = scratch.with_entrypoint(["/run"]).with_default_args(["default"])
    assert await ready.without_entrypoint().default_args() == []
    kept = ready.without_entrypoint(keep_default_args=True)
    assert await kept.entrypoint() == []
    assert await kept.default_args() == ["default"]


async def test_default_arguments_can_be_removed(scratch: dagger.Container) -> None:
    ready = scratch.with_entrypoint(["/run"]).with_default_args(["a", "b"])
    assert await ready.default_args() == ["a", "b"]
    assert await ready.without_default_args().default_args() == []
    assert await ready.without_default_args().entrypoint() == ["/run"]


async def test_labels_are_set_replaced_and_removed(scratch: dagger.Container) -> None:
    ready = scratch.with_label("a", "1").with_label("b", "2").with_label("a", "3")
    assert await ready.label("a") == "3"
    assert await ready.label("none") is None
    names = [await one.name() for one in await ready.without_label("b").labels()]
    assert names == ["a"]


async def test_ports_are_known_by_number_and_protocol(scratch: dagger.Container) -> None:
    ready = scratch.with_exposed_port(53).with_exposed_port(
        53, protocol=NetworkProtocol.UDP, description="names"
    )
    found = {
        (await one.port(), (await one.protocol()).value, await one.description())
        for one in await ready.exposed_ports()
    }
    assert found == {(53, "TCP", None), (53, "UDP", "names")}


async def test_removing_a_port_leaves_the_other_protocol(scratch: dagger.Container) -> None:
    ready = scratch.with_exposed_port(53).with_exposed_port(53, protocol=NetworkProtocol.UDP)
    left = await ready.without_exposed_port(53).exposed_ports()
    assert [(await one.protocol()).value for one in left] == ["UDP"]


async def test_containers_are_immutable(scratch: dagger.Container) -> None:
    first = scratch.with_env_variable("A", "1")
    second = first.with_env_variable("A", "2")
    assert await first.env_variable("A") == "1"
    assert await second.env_variable("A") == "2"


async def test_error_in_the_chain_surfaces_on_evaluation_only(
    scratch: dagger.Container, nonce: str
) -> None:
    bad = scratch.with_error(f"refused {nonce}")
    assert await bad.id()
    with pytest.raises(dagger.QueryError, match=f"refused {nonce}"):
        await settle(bad)


async def test_empty_error_is_no_error(scratch: dagger.Container) -> None:
    assert await scratch.with_error("").with_env_variable("A", "1").env_variable("A") == "1"


async def test_settings_run_the_pending_execs_first(base: dagger.Container) -> None:
    failing = base.with_exec(["sh", "-c", "exit 3"]).with_env_variable("A", "1")
    with pytest.raises(dagger.ExecError):
        await failing.env_variable("A")


async def test_id_runs_nothing(base: dagger.Container) -> None:
    assert await base.with_exec(["sh", "-c", "exit 3"]).id()


async def test_default_platform_is_the_containers(
    dag: dagger.Client, scratch: dagger.Container
) -> None:
    assert await scratch.platform() == await dag.default_platform()


async def test_unknown_platform_is_refused(dag: dagger.Client) -> None:
    with pytest.raises(dagger.QueryError, match="unknown operating system or architecture"):
        await settle(dag.container(platform=dagger.Platform("linux/nonsense")))

"""Programs of another platform, run by emulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagger
import pytest
from dagger import Platform

from tests.support.contexts import context
from tests.support.missing import foreign_architecture, need_emulator
from tests.support.shell import output, shell

if TYPE_CHECKING:
    from tests.support.sample_images import SampleImages

pytestmark = pytest.mark.emulated

FOREIGN = foreign_architecture()
MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}[FOREIGN]


@pytest.fixture
def foreign(dag: dagger.Client, samples: SampleImages) -> dagger.Container:
    """A container of the platform that this machine is not."""
    need_emulator()
    return dag.container(platform=Platform(f"linux/{FOREIGN}")).from_(samples.busybox)


async def test_program_of_another_platform_runs(foreign: dagger.Container) -> None:
    assert await foreign.with_exec(["uname", "-m"]).stdout() == f"{MACHINE}\n"


async def test_its_exit_code_and_output_are_told(foreign: dagger.Container) -> None:
    with pytest.raises(dagger.ExecError) as caught:
        await output(foreign, "echo why >&2; exit 23")
    assert (caught.value.exit_code, caught.value.stderr) == (23, "why")


async def test_its_children_are_emulated_too(foreign: dagger.Container) -> None:
    said = await output(foreign, "sh -c 'seq 1 3 | sort -r | head -1; uname -m'")
    assert said == f"3\n{MACHINE}\n"


async def test_it_has_the_same_world(dag: dagger.Client, foreign: dagger.Container) -> None:
    ready = foreign.with_user("app").with_workdir("/home/app").with_env_variable("A", "1")
    ready = ready.with_mounted_file("/f", dag.file("f", "mounted"))
    assert await output(ready, "id -u; pwd; echo $A; cat /f") == "1000\n/home/app\n1\nmounted"


async def test_it_leaves_no_emulator_in_the_image(foreign: dagger.Container) -> None:
    done = shell(foreign, "echo x > /made")
    assert await foreign.rootfs().diff(done.rootfs()).glob("**/*") == ["made"]


async def test_dockerfile_is_built_for_another_platform(
    dag: dagger.Client, samples: SampleImages, foreign: dagger.Container
) -> None:
    source = context(dag, "FROM BASE\nRUN uname -m > /machine\n", base=samples.busybox)
    built = source.docker_build(platform=Platform(f"linux/{FOREIGN}"))
    assert await built.file("/machine").contents() == f"{MACHINE}\n"
    assert await built.platform() == await foreign.platform()


async def test_both_platforms_are_published_and_run_the_same(
    dag: dagger.Client, samples: SampleImages, foreign: dagger.Container, nonce: str
) -> None:
    host = samples.busybox.partition("/")[0]
    native = dag.container().from_(samples.busybox)
    variants = [shell(one, "uname -m > /machine") for one in (native, foreign)]
    reference = await dag.container().publish(
        f"{host}/emulated/{nonce[:12]}:1", platform_variants=variants
    )
    for one in variants:
        back = dag.container(platform=await one.platform()).from_(reference)
        assert await output(back, "cat /machine") == await output(back, "uname -m")

"""The examples of the four systems, each run as its README says, on a copy of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.example_bases import shared_bases
from tests.support.examples import Example, Flow, copied
from tests.support.programs import wait_for_go_tools
from tests.support.runtimes import running_docker

HERE = Path(__file__).parent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.example_bases import ExampleBases
    from tests.support.runtimes import RunningRuntime


# A flow is as long as all its commands, and who comes first makes the base images.
TIMEOUT_S = 1500


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let whoever asks for a flow first wait for all of it."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="session", autouse=True)
def go_tools() -> None:
    """Programs that are still being built when the tests begin."""
    wait_for_go_tools()


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> ExampleBases:
    """The base images of all examples, made once for all workers."""
    return shared_bases(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def example(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, bases: ExampleBases
) -> Iterator[Example]:
    """A copy of the example that the module names as `EXAMPLE`, committed, with an empty store."""
    name: str = request.module.EXAMPLE
    folder = tmp_path_factory.mktemp(name)
    yield copied(name, folder, bases)
    shutil.rmtree(folder / "store", ignore_errors=True)


@pytest.fixture(scope="module")
def cold(example: Example) -> Flow:
    """The example's whole flow from an empty store, with the base images in the registry."""
    return example.run_flow()


@pytest.fixture(scope="module")
def again(example: Example, cold: Flow) -> Flow:
    """The flow once more, with nothing changed."""
    assert cold.seconds
    return example.run_flow()


@pytest.fixture(scope="module")
def docker(
    example: Example, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRuntime]:
    """A Docker of its own, which the example's commands deploy to."""
    folder: Path = tmp_path_factory.mktemp("docker")
    with running_docker(folder) as running:
        example.variables.update(running.environment)
        yield running

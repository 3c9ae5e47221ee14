"""What every kind of test may need: a registry, and the images that are pushed to it."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest

from keelway.errors import KeelwayError
from tests.support import matrix
from tests.support.leftovers import give_back
from tests.support.registry import (
    PASSWORD,
    USER,
    Registry,
    given_registry,
    running_registry,
)
from tests.support.sample_images import SampleImages, push_samples

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# Tests release repositories of their own, of which the CI that runs the tests knows nothing.
os.environ.setdefault("KEELWAY_CI", "none")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that has the table of the four systems written."""
    matrix.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Follow the tests that requirements name."""
    matrix.register(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show all that an error of keelway knows, such as what the tool that failed has printed."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, KeelwayError):
        report.sections.append(("keelway's diagnostics", call.excinfo.value.diagnostics()))
    return report


@pytest.fixture(scope="session", autouse=True)
def own_leftovers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let an ordinary user, and so pytest, remove the stores of the tests."""
    yield
    if os.geteuid() != 0:
        give_back(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry on the loopback, or the one that `KEELWAY_TEST_REGISTRY` names."""
    given = given_registry()
    if given is not None:
        yield given
        return
    with running_registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture(scope="session")
def closed_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A loopback registry that lets only its one account in."""
    folder = tmp_path_factory.mktemp("closed-registry")
    with running_registry(folder, account=(USER, PASSWORD)) as started:
        yield started


@pytest.fixture(scope="session")
def samples(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> SampleImages:
    """The images that the tests start from, pushed for both platforms."""
    return push_samples(registry, tmp_path_factory.mktemp("samples"))


@pytest.fixture
def nonce() -> str:
    """A word that no run had before, so that nothing made with it is cached."""
    return uuid.uuid4().hex

"""Sessions of the engine under test; every case runs through the unmodified SDK.

The engine is the local one unless `DAGGER_SESSION_PORT` or `_EXPERIMENTAL_DAGGER_RUNNER_HOST`
names another. One session serves a module; a case that needs its own asks for `new_session`.
"""

from __future__ import annotations

import contextlib
import inspect
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import pytest_asyncio

from tests.engine.chroot_limits import limit
from tests.engine.whoever_asks import is_asked_once
from tests.support.engines import (
    Engine,
    chosen_engine,
    isolation,
    sdk_session,
)
from tests.support.raw_session import RawSession, raw_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import dagger

    from tests.support.sample_images import SampleImages


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all cases of this directory in one event loop: a module's session lives in it."""
    here = Path(__file__).parent  # the hook is given the items of every directory
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        if isinstance(item, pytest.Function):
            _skip_beyond_chroot(item)
            if is_asked_once(f"{item.path.name}::{item.originalname}"):
                item.add_marker(pytest.mark.once)
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _skip_beyond_chroot(item: pytest.Function) -> None:
    """Skip a case that can't hold in the isolation it would run in."""
    lesser = isolation()
    if lesser is not None:
        reason = limit(f"{item.path.name}::{item.originalname}", lesser)
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"isolation {lesser}: the case {reason}"))


class NewSession(Protocol):
    """Opens one more session, closed with the test at the latest."""

    async def __call__(
        self, other: Engine | None = None, *, workdir: Path | None = None
    ) -> dagger.Client:
        """Return the new session's client."""
        ...


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The engine under test, with a store of this test run."""
    return chosen_engine(tmp_path_factory.mktemp("engine"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def dag(engine: Engine) -> AsyncIterator[dagger.Client]:
    """One session for all cases of a module."""
    async with sdk_session(engine) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def new_session(engine: Engine) -> AsyncIterator[NewSession]:
    """Open sessions beside the module's: same store, or another engine's settings."""
    engine.require_own_sessions()
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            other: Engine | None = None, *, workdir: Path | None = None
        ) -> dagger.Client:
            return await stack.enter_async_context(sdk_session(other or engine, workdir=workdir))

        yield start


@pytest.fixture
def fresh_engine(engine: Engine, tmp_path: Path) -> Engine:
    """The local engine with an empty store of its own."""
    engine.require_local()
    return engine.with_environment(KEELWAY_STORE=str(tmp_path / "fresh-store"))


@pytest.fixture(scope="module")
def raw(engine: Engine) -> Iterator[RawSession]:
    """A session spoken to in plain HTTP, for a module."""
    with raw_session(engine) as session:
        yield session


@pytest.fixture
def base(dag: dagger.Client, samples: SampleImages) -> dagger.Container:
    """A container from the busybox image of the engine's own platform."""
    return dag.container().from_(samples.busybox)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a short name: the path of a socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="kw-") as folder:
        yield Path(folder)


@pytest.fixture
def local_only(engine: Engine) -> None:
    """Mark a case that looks into the local engine itself."""
    engine.require_local()

"""Connections to all repositories that a stage writes evidence to, one each."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from keelway.registry.client import Repository, open_repository

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

    from keelway.registry.logins import Login


@asynccontextmanager
async def open_repositories(
    names: Iterable[str], find_login: Callable[[str], Awaitable[Login | None]], *, stage: str
) -> AsyncGenerator[dict[str, Repository], None]:
    """Open each repository once, by its name.

    Args:
        names: `host[:port]/path`, in any number.
        find_login: Tells whom to log in as.
        stage: Which stage it is for, for errors.

    Raises:
        PlanError: A login cannot be read.
    """
    async with AsyncExitStack() as stack:
        opened: dict[str, Repository] = {}
        for name in dict.fromkeys(names):
            login = await find_login(name)
            repository = open_repository(name, login=login, stage=stage)
            opened[name] = await stack.enter_async_context(repository)
        yield opened

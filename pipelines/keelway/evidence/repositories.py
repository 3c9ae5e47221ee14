"""Connections to all repositories that a stage writes evidence to, one each."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelway._together import each
from keelway.errors import PublishError, RegistryError, StageError
from keelway.evidence.subjects import find_subjects
from keelway.registry.client import Repository, open_repository

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence

    import anyio

    from keelway.model.evidence import Evidence, Subject
    from keelway.model.published import PublishedImage
    from keelway.registry.logins import Login


@asynccontextmanager
async def open_repositories(
    names: Iterable[str],
    find_login: Callable[[str], Awaitable[Login | None]],
    *,
    stage: str,
    writing: dict[str, anyio.Lock] | None = None,
) -> AsyncGenerator[dict[str, Repository], None]:
    """Open each repository once, by its name.

    Args:
        names: `host[:port]/path`, in any number.
        find_login: Tells whom to log in as.
        stage: Which stage it is for, for errors.
        writing: Whose turn it is to add to a tag, shared with stages that run beside this one.

    Raises:
        PlanError: A login cannot be read.
    """
    async with AsyncExitStack() as stack:
        opened: dict[str, Repository] = {}
        for name in dict.fromkeys(names):
            login = await find_login(name)
            repository = open_repository(name, login=login, stage=stage, writing=writing)
            opened[name] = await stack.enter_async_context(repository)
        yield opened


@dataclass(slots=True, kw_only=True)
class Keeping:
    """What is written to several repositories: one that fails is left alone, the others go on."""

    stage: str
    repositories: Mapping[str, Repository]
    failed: dict[str, StageError] = field(default_factory=dict[str, StageError])
    """Why each repository that failed did so."""

    async def subjects(self, images: Sequence[PublishedImage]) -> tuple[Subject, ...]:
        """Return the digests of images, read from the first repository that gives them.

        Raises:
            RegistryError: None of an image's repositories does.
            StageError: An index cannot be read.
        """
        return tuple([subject for image in images for subject in await self._subjects(image)])

    async def _subjects(self, image: PublishedImage) -> tuple[Subject, ...]:
        names = tuple(dict.fromkeys(tag.repository for tag in image.tags))
        for position, name in enumerate(names):
            try:
                return await find_subjects(
                    self.repositories, image, stage=self.stage, read_from=name
                )
            except RegistryError as error:
                if position == len(names) - 1:
                    raise
                self.failed.setdefault(name, error)
        raise AssertionError("an image that is published is in a repository")

    async def keep(
        self, name: str, write: Callable[[Repository], Awaitable[Evidence]]
    ) -> tuple[Evidence, ...]:
        """Return what was written to a repository; nothing where that failed, now or before.

        Args:
            name: The repository.
            write: Writes one thing to it.
        """
        if name in self.failed:
            return ()
        try:
            return (await write(self.repositories[name]),)
        except RegistryError as error:
            self.failed.setdefault(name, error)
            return ()

    async def finish(self, done: Sequence[Evidence], partial: object) -> None:
        """Look whether all is there that was written, and tell of the repositories that failed.

        Args:
            done: What was written.
            partial: The stage's result without what failed.

        Raises:
            PublishError: Some did; it says which, and what the others have.
            RegistryError: The only repository that there is did.
        """
        await each(self._settle, self.repositories)
        for name in self.failed:
            self.repositories[name].forget()
        if not self.failed:
            return
        if len(self.failed) == len(self.repositories):
            raise next(iter(self.failed.values()))
        shown = [name for name in self.repositories if name not in self.failed]
        kept = {name: sum(one.repository == name for one in done) for name in shown}
        raise PublishError(
            f"not everything could be kept beside the images: {next(iter(self.failed))} failed",
            stage=self.stage,
            failed=[f"{name}: {error.message}" for name, error in self.failed.items()],
            done=[f"{name}, with {number} statements" for name, number in kept.items()],
            partial=partial,
            next_step="correct the registry or the login and run again: what is there is found, "
            "and not written twice",
        )

    async def _settle(self, name: str) -> None:
        if name in self.failed:
            return
        try:
            await self.repositories[name].settle()
        except RegistryError as error:
            self.failed.setdefault(name, error)

"""Engines to be measured, and sessions of them through the unmodified SDK."""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import dagger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

CLI_BIN = "_EXPERIMENTAL_DAGGER_CLI_BIN"
RUNNER_HOST = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine under a name of the user's choice."""

    name: str
    program: Path
    """What speaks the CLI's `session` protocol."""
    runner: str = ""
    """Where Dagger's own engine is; empty for an engine that the program brings itself."""
    store: Path | None = None
    """An empty directory for all it keeps, where the engine can be told of one."""

    @classmethod
    def parse(cls, text: str, scratch: Path) -> Self:
        """Return the engine that `NAME=PROGRAM` or `NAME=SCHEME://HOST` means.

        Raises:
            ValueError: The text is neither, or there is no such program.
        """
        name, separator, what = text.partition("=")
        if not (name and separator and what):
            raise ValueError(f"{text!r} is not NAME=PROGRAM or NAME=SCHEME://HOST")
        if "://" in what:
            program = os.environ.get(CLI_BIN) or shutil.which("dagger")
            if program is None:
                raise ValueError(f"{text!r} needs the program dagger, on PATH or in {CLI_BIN}")
            return cls(name=name, program=Path(program), runner=what)
        found = shutil.which(what)
        if found is None:
            raise ValueError(f"{text!r}: there is no program {what}")
        return cls(name=name, program=Path(found).absolute(), store=scratch / name / "store")

    @property
    def is_dagger(self) -> bool:
        """Whether it is the one that others are compared to."""
        return bool(self.runner) or self.name == "dagger"

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[dagger.Client]:
        """Open a session; requests are not sent twice, so that failures show."""
        os.environ[CLI_BIN] = str(self.program)
        os.environ.pop(RUNNER_HOST, None)
        if self.runner:
            os.environ[RUNNER_HOST] = self.runner
        if self.store is not None:
            os.environ["KEELWAY_STORE"] = str(self.store)
        async with dagger.Connection(dagger.Config(retry=None)) as client:
            yield client

"""Who releases examples/orders: keelway with its engine, a shell script, keelway with Dagger's."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import dagger

from bench import watch
from bench.scratch import BIN, ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.scratch import Project
    from bench.watch import Watched

KEELWAY, SHELL, DAGGER = "keelway", "shell", "dagger"
TITLES: Final = {KEELWAY: "keelway", SHELL: "shell script", DAGGER: "keelway on Dagger's engine"}
OF_DAGGER: Final = (
    "DAGGER_SESSION_PORT",
    "DAGGER_SESSION_TOKEN",
    "_EXPERIMENTAL_DAGGER_RUNNER_HOST",
    "_EXPERIMENTAL_DAGGER_CLI_BIN",
)


def dagger_given() -> dict[str, str]:
    """Return the variables that name an engine of Dagger's; none where nobody gave one."""
    given = {name: os.environ[name] for name in OF_DAGGER if os.environ.get(name)}
    named = {"DAGGER_SESSION_PORT", "_EXPERIMENTAL_DAGGER_RUNNER_HOST"} & set(given)
    return given if named else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One who releases; all it keeps is in its folder, where it can be told so."""

    name: str
    folder: Path
    variables: Mapping[str, str]

    @property
    def store(self) -> Path:
        """What it keeps from run to run."""
        return self.folder / "store"

    def forget(self) -> None:
        """Make it one that has never released anything."""
        remove(self.store)
        if self.name == DAGGER:
            anyio.run(_prune)

    def release(self, project: Project) -> Watched:
        """Release the project as it is.

        Raises:
            RuntimeError: It failed.
        """
        if self.name == SHELL:
            return watch.run(self._script(project), project.folder, self._script_variables(project))
        words: list[str | Path] = [BIN / "keelway", "release", "--progress", "none"]
        return watch.run(words, project.folder, self._environment())

    def export_cache(self, project: Project, folder: Path) -> None:
        """Put keelway's cache into a folder, as a CI's job does at its end.

        Raises:
            RuntimeError: It failed.
        """
        words = [BIN / "keelway", "cache", "export", folder]
        watch.run(words, project.folder, self._environment())

    def _environment(self) -> dict[str, str]:
        return environment(KEELWAY_STORE=str(self.store), **self.variables)

    def _script(self, project: Project) -> list[str | Path]:
        repository = f"localhost:{project.port}/{SHELL}/orders"
        return [ROOT / "bench/release.sh", repository, self.store]

    def _script_variables(self, project: Project) -> dict[str, str]:
        bases = project.bases()
        return environment(
            PYTHON_BASE=bases["python"],
            PYTHON_BUILD_BASE=bases["python-build"],
            POSTGRES_BASE=bases["postgres"],
            COSIGN_KEY=".keelway/demo.key",
            DATABASE_PASSWORD=(project.folder / ".keelway/demo.password").read_text(),
        )


async def _prune() -> None:
    """Empty the cache of the engine that this program's own environment names."""
    async with dagger.Connection(dagger.Config(retry=None)) as client:
        await client.engine().local_cache().prune()


def remove(folder: Path) -> None:
    """Remove a folder with all that is mounted in it."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted(mounts, reverse=True):
        if Path(mount).is_relative_to(folder.resolve()):
            with contextlib.suppress(subprocess.CalledProcessError):
                subprocess.run(["umount", "--lazy", mount], check=True)
    shutil.rmtree(folder, ignore_errors=True)

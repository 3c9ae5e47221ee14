"""Everything that is wrong with compose files, collected so that all of it is told at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from keelway.compose.project import Notice
from keelway.config.explain import dotted
from keelway.errors import ConfigError, ConfigProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keelway.compose.project import Place
    from keelway.compose.tree import KeyPath

_SERVICE_DEPTH = 2
NEXT_STEP = "docs/reference/compose.md has every key, and what keelway makes of it"


class Placed(Protocol):
    """Whatever stands somewhere in a file."""

    @property
    def place(self) -> Place:
        """Where."""
        ...


def service_of(path: KeyPath) -> str | None:
    """Return the service that a key belongs to: `web` of `services.web.ports`."""
    if len(path) >= _SERVICE_DEPTH and path[0] == "services":
        return str(path[1])
    return None


@dataclass(slots=True)
class Problems:
    """What was found so far: errors, and notices of what is not done."""

    found: list[tuple[ConfigProblem, str | None]] = field(
        default_factory=list[tuple[ConfigProblem, str | None]]
    )
    """Each with the service that it only matters for; no service: it always matters."""
    noticed: list[tuple[Notice, str | None]] = field(
        default_factory=list[tuple[Notice, str | None]]
    )

    def add(self, near: Placed, path: KeyPath, text: str, *, suggestion: str | None = None) -> None:
        """Keep an error that holds whether or not the service is switched on."""
        self.found.append((_problem(near, path, text, suggestion), None))

    def add_if_enabled(self, near: Placed, path: KeyPath, text: str) -> None:
        """Keep an error that only matters when the service is switched on."""
        self.found.append((_problem(near, path, text, None), service_of(path)))

    def notice(self, near: Placed, path: KeyPath, reason: str) -> None:
        """Keep what is not done here; of a service that is switched off, nobody is told."""
        told = Notice(key=dotted(path), reason=reason, place=near.place)
        if (told, service_of(path)) not in self.noticed:
            self.noticed.append((told, service_of(path)))

    def check(self, matters: Callable[[str], bool] = lambda _: False) -> None:
        """Do nothing when all is well.

        Args:
            matters: Whether a service is switched on.

        Raises:
            ConfigError: With every problem, in the order of files and lines.
        """
        told = [problem for problem, service in self.found if service is None or matters(service)]
        if told:
            unique = sorted(set(told), key=lambda one: (one.file, one.line or 0, one.key))
            raise ConfigError(unique, next_step=NEXT_STEP)

    def notices(self, matters: Callable[[str], bool]) -> tuple[Notice, ...]:
        """Return what is not done, of everything that is switched on."""
        return tuple(
            notice for notice, service in self.noticed if service is None or matters(service)
        )


def file_error(file: Path, text: str, *, line: int | None = None) -> ConfigError:
    """Return the error about a file as such."""
    return ConfigError([ConfigProblem(file=str(file), line=line, key="", text=text)])


def _problem(near: Placed, path: KeyPath, text: str, suggestion: str | None) -> ConfigProblem:
    return ConfigProblem(
        file=str(near.place.file),
        line=near.place.line,
        key=dotted(path),
        text=text,
        suggestion=suggestion,
    )

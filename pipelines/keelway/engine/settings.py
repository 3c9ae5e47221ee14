"""What the engine takes from its environment, read once at its start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from keelway.engine.errors import EngineError
from keelway.engine.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM_STORE = Path("/var/lib/keelway")
_PROGRESS = "plain"  # who else writes to the terminal, a session cannot know


class Settings(NamedTuple):  # dataclasses take 15 ms to import, on the way to the first line
    """Where the store is, how progress is told, how images are dated, commands isolated."""

    store: Path
    progress: str
    epoch: int | None
    gc: str = ""
    """How large the store may be, as `store.policy` reads it; empty for the default."""
    isolation: str = "auto"
    proc: str = "none"
    tunnels: str = "everywhere"
    """Who reaches the ports of `host.tunnel`: everybody, as the API says, or this machine alone."""
    pipeline: str = ""
    """Whose work it is: what a session uses can be exported by this name."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings in an environment.

        Raises:
            EngineError: a variable has a value that means nothing.
        """
        progress = environment.get("KEELWAY_ENGINE_PROGRESS") or _PROGRESS
        if progress not in FORMS:
            raise EngineError(
                f"KEELWAY_ENGINE_PROGRESS={progress!r} is unknown; choose {', '.join(FORMS[:-1])} "
                f"or {FORMS[-1]}"
            )
        return cls(
            store=_store(environment),
            progress=progress,
            epoch=_epoch(environment),
            gc=_gc(environment),
            isolation=_choice(environment, "ISOLATION", ("auto", "namespace", "chroot")),
            proc=_choice(environment, "PROC", ("none", "proot")),
            tunnels=_choice(environment, "TUNNELS", ("everywhere", "loopback")),
            pipeline=environment.get("KEELWAY_ENGINE_PIPELINE") or "",
        )

    def check_store(self) -> None:
        """Make the store's directory; a fault here is better told before a client connects.

        Raises:
            EngineError: the directory cannot be made or written to.
        """
        try:
            self.store.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise EngineError(
                f"the store {self.store} cannot be made: {error.strerror}; "
                "set KEELWAY_STORE to a directory of your own"
            ) from error
        if not os.access(self.store, os.R_OK | os.W_OK | os.X_OK):
            raise EngineError(
                f"the store {self.store} cannot be written to; "
                "set KEELWAY_STORE to a directory of your own"
            )


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Return the value of a variable; its first choice is meant where it is not set."""
    variable = f"KEELWAY_ENGINE_{name}"
    value = environment.get(variable) or choices[0]
    if value not in choices:
        listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
        raise EngineError(f"{variable}={value!r} is unknown; choose {listed}")
    return value


def _store(environment: Mapping[str, str]) -> Path:
    if given := environment.get("KEELWAY_STORE"):
        return Path(given).absolute()
    if os.geteuid() == 0:
        return _SYSTEM_STORE
    data = environment.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "keelway"


def _epoch(environment: Mapping[str, str]) -> int | None:
    given = environment.get("SOURCE_DATE_EPOCH")
    if not given:
        return None
    if not given.isdecimal():
        raise EngineError(
            f"SOURCE_DATE_EPOCH={given!r} is no number of seconds since 1970; unset or correct it"
        )
    return int(given)


def _gc(environment: Mapping[str, str]) -> str:
    given = (environment.get("KEELWAY_ENGINE_GC") or "").strip()
    if given and given != "off":
        from keelway.engine.policy import read_policy  # noqa: PLC0415 - sessions would wait for it

        read_policy(given, disk=1)
    return given

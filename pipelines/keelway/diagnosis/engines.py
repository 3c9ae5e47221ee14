"""The engines: which there are, which one is taken, and what the local one lacks.

The local engine knows itself what it needs of the machine: its own `doctor` tries each thing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from keelway._engines import Given, Program, choose_engine
from keelway.diagnosis.asking import ask
from keelway.diagnosis.check import Check
from keelway.errors import SessionError
from keelway.model.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.diagnosis.distribution import Distribution

GROUP, LOCAL = "engines", "local engine"
_PURPOSES = {
    "crun": "commands in containers",
    "sandbox": "isolation of commands",
    "overlay": "layers",
    "runtime": "commands in containers",
    "network": "commands that reach the outside",
    "skopeo": "images from and to registries",
    "slirp4netns": "commands that reach the outside",
    "qemu-aarch64-static": "other platforms",
    "newuidmap": "working as an ordinary user",
    "git": "sources from git",
    "ssh": "sources from git by ssh",
    "proot": "/proc for commands, without namespaces",
    "zstd": "layers compressed by zstd",
    "store": "everything that is built",
    "dagger-io": "the API",
}
_PROGRAM_OF = {"qemu-aarch64-static": "qemu", "runtime": "crun"}
_INSTALLED = frozenset(
    {"crun", "skopeo", "slirp4netns", "qemu-aarch64-static", "newuidmap", "git", "ssh", "proot",
     "zstd"}
)  # fmt: skip


async def check_engines(
    environ: Mapping[str, str], distribution: Distribution
) -> tuple[list[Check], str | None]:
    """Return how the engines stand, and where the local one keeps things, if it is here."""
    local, parts = await _local(environ, distribution)
    chosen = _chosen(environ)
    if chosen.name == "local":
        # It counts only when it is the one that works.
        chosen = _with_state_of(local, chosen)
    else:
        parts = [_unneeded(part) for part in parts]
    store = next((part.text for part in parts if part.name == "store" and part.ok), None)
    return [chosen, local, _dagger(environ), *parts], store


def _with_state_of(local: Check, chosen: Check) -> Check:
    if local.ok:
        return chosen
    return Check(
        group=GROUP,
        name=chosen.name,
        ok=False,
        text=f"{chosen.text}; it lacks something on this machine, see below",
        purpose=chosen.purpose,
        needed=True,
        remedy=chosen.remedy,
        code=SessionError.exit_code,
    )


def _unneeded(part: Check) -> Check:
    return Check(
        group=part.group, name=part.name, ok=part.ok, text=part.text, purpose=part.purpose,
        remedy=part.remedy,
    )  # fmt: skip


def _chosen(environ: Mapping[str, str]) -> Check:
    """Return what `--engine auto` takes, and why."""
    purpose = "everything that is built"
    try:
        engine = choose_engine(EngineChoice.AUTO, environ)
    except SessionError as error:
        return Check(
            group=GROUP,
            name="none",
            ok=False,
            text="; ".join(error.tried),
            purpose=purpose,
            needed=True,
            remedy=error.next_step or "",
            code=SessionError.exit_code,
        )
    return Check(
        group=GROUP, name=engine.name, ok=True, text=f"taken: {engine.reason}", purpose=purpose
    )


def _dagger(environ: Mapping[str, str]) -> Check:
    found = _search(EngineChoice.DAGGER, environ)
    if isinstance(found, SessionError):
        text = f"not needed with the local engine; {'; '.join(found.tried)}"
        remedy = "see https://docs.dagger.io/install"
        return Check(group=GROUP, name="dagger cli", ok=False, text=text, remedy=remedy)
    return Check(group=GROUP, name="dagger cli", ok=True, text=found.command[0])


def _search(choice: EngineChoice, environ: Mapping[str, str]) -> Program | SessionError:
    """Look for one engine, whatever session the environment names."""
    own = {name: value for name, value in environ.items() if name != "DAGGER_SESSION_PORT"}
    try:
        found = choose_engine(choice, own)
    except SessionError as error:
        return error
    return SessionError("a session is open already") if isinstance(found, Given) else found


async def _local(
    environ: Mapping[str, str], distribution: Distribution
) -> tuple[Check, list[Check]]:
    found = _search(EngineChoice.LOCAL, environ)
    if isinstance(found, SessionError):
        text, remedy = "; ".join(found.tried), "pip install 'keelway[engine]'"
        return Check(group=GROUP, name=LOCAL, ok=False, text=text, remedy=remedy), []
    try:
        code, said = await ask(*found.command, "doctor", "--json", environ=environ)
        parts = [_part(one, distribution) for one in _read(said)]
    except (OSError, ValueError) as error:
        text = f"{found.command[0]} does not tell how it stands: {error}"
        return Check(group=GROUP, name=LOCAL, ok=False, text=text), []
    text = found.command[0] if code == 0 else f"{found.command[0]} is here, and lacks something"
    return Check(group=GROUP, name=LOCAL, ok=code == 0, text=text), parts


def _read(said: str) -> list[dict[str, Any]]:
    """Return what the engine's doctor wrote; warnings may follow it.

    Raises:
        ValueError: It is none of its answers.
    """
    start = said.index("[")
    found, _end = json.JSONDecoder().raw_decode(said[start:])
    return cast("list[dict[str, Any]]", found)


def _part(one: Mapping[str, Any], distribution: Distribution) -> Check:
    name, ok = str(one["name"]), bool(one["ok"])
    remedy = str(one.get("remedy") or "")
    if name in _INSTALLED:
        remedy = distribution.command(_PROGRAM_OF.get(name, name))
    return Check(
        group=LOCAL,
        name=name,
        ok=ok,
        text=str(one["detail"]),
        purpose=_PURPOSES.get(name, ""),
        needed=bool(one["needed"]),
        remedy="" if ok else remedy,
        code=SessionError.exit_code,
    )

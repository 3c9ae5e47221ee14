"""What `keelway doctor` looks at, and how it says what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelway._cli import output
from keelway._cli.env import environment
from keelway._engines import Program, choose_engine
from keelway.errors import SessionError
from keelway.model.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INDENT = "  "
_COLUMN = 10


@dataclass(frozen=True, slots=True)
class _Check:
    """One line of the doctor's answer."""

    name: str
    ok: bool
    text: str
    details: tuple[str, ...] = ()
    needed: bool = True

    def lines(self) -> Iterator[str]:
        absent = "MISSING" if self.needed else "absent"
        yield f"{_INDENT}{'ok' if self.ok else absent:<9}{self.name:<{_COLUMN}}{self.text}"
        yield from (f"{_INDENT * 6}{line}" for line in self.details)


def check_all() -> bool:
    """Print what is here and what is missing, and return whether a release can be made."""
    environ = environment()
    engines = [_local(environ), _dagger(environ)]
    chosen = _chosen(environ)
    tools = list(_tools(environ))
    _print("engines", engines)
    _print("what `--engine auto` takes", [chosen])
    _print("tools", tools)
    return chosen.ok and all(check.ok for check in tools)


def _print(title: str, checks: list[_Check]) -> None:
    output.result(title)
    for check in checks:
        for line in check.lines():
            output.result(line)


def _local(environ: Mapping[str, str]) -> _Check:
    """Look at the local engine, which knows itself what it needs of the machine."""
    found = _search(EngineChoice.LOCAL, environ)
    if isinstance(found, SessionError):
        return _Check("local", ok=False, text=_how(found))
    code, said = _ask(*found.command, "doctor")
    text = found.command[0] if code == 0 else f"{found.command[0]} is here, and lacks something:"
    return _Check("local", ok=code == 0, text=text, details=tuple(said.splitlines()))


def _dagger(environ: Mapping[str, str]) -> _Check:
    found = _search(EngineChoice.DAGGER, environ)
    if isinstance(found, SessionError):
        text = f"not needed with the local engine; {'; '.join(found.tried)}"
        return _Check("dagger", ok=False, text=text, needed=False)
    return _Check("dagger", ok=True, text=found.command[0])


def _chosen(environ: Mapping[str, str]) -> _Check:
    try:
        engine = choose_engine(EngineChoice.AUTO, environ)
    except SessionError as error:
        return _Check("none", ok=False, text=_how(error))
    return _Check(engine.name, ok=True, text=engine.reason)


def _tools(environ: Mapping[str, str]) -> Iterator[_Check]:
    from keelway.facts.gather import find_programs  # noqa: PLC0415 -- loaded when needed
    from keelway.planning import TOOLS  # noqa: PLC0415 -- loaded when needed

    found = find_programs([tool.name for tool in TOOLS] + ["git"], environ.get("PATH", ""))
    for tool in TOOLS:
        place = found.get(tool.name)
        text = str(place or tool.remedy())
        yield _Check(tool.name, ok=place is not None, text=text, needed=not tool.optional)
    git = found.get("git")
    yield _Check("git", ok=git is not None, text=str(git or "install it with `apt install git`"))


def _search(choice: EngineChoice, environ: Mapping[str, str]) -> Program | SessionError:
    """Look for one engine, whatever session the environment names."""
    own = {name: value for name, value in environ.items() if name != "DAGGER_SESSION_PORT"}
    try:
        found = choose_engine(choice, own)
    except SessionError as error:
        return error
    return found if isinstance(found, Program) else SessionError("a session is open already")


def _how(error: SessionError) -> str:
    return "; ".join([*error.tried, str(error.next_step)])


def _ask(*command: str) -> tuple[int, str]:
    """Run a program and return its exit code and all that it wrote, results first."""
    import anyio  # noqa: PLC0415 -- loaded when needed

    async def run() -> tuple[int, str]:
        done = await anyio.run_process(command, check=False)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    return anyio.run(run)

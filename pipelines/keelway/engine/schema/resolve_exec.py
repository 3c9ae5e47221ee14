"""Fields of `Container` about commands: running one, and what it said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.command import ExecOptions, with_exec
from keelway.engine.graph.ops import Expect
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.resolve_container import expanded
from keelway.engine.schema.text import LongText, text_of

if TYPE_CHECKING:
    from keelway.engine.graph.container import Container
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session
    from keelway.engine.solve.result import Result, Stream

EXEC = Resolvers()

_NO_COMMAND = "no command has been set"


@EXEC.field("Container", "withExec")
def run(parent: Container, args: Arguments, _session: Session) -> Container:
    """Run a command; nothing happens before something asks for its outcome."""
    if args.get("stdin") and args.get("redirectStdin"):
        raise EngineError("cannot set both stdin and redirectStdin")
    options = ExecOptions(
        stdin=args.get("stdin", ""),
        redirect_stdin=expanded(parent, args.get("redirectStdin", ""), args),
        redirect_stdout=expanded(parent, args.get("redirectStdout", ""), args),
        redirect_stderr=expanded(parent, args.get("redirectStderr", ""), args),
        expect=Expect(args.get("expect", "SUCCESS")),
        privileged=args.get("insecureRootCapabilities", False),
        nesting=args.get("experimentalPrivilegedNesting", False),
        init=not args.get("noInit", False),
    )
    words = _command(parent, args)
    if not words:  # told when something asks for the outcome: the container has an ID all the same
        return replace(parent, error=parent.error or _NO_COMMAND)
    return with_exec(parent, words, options)


def _command(parent: Container, args: Arguments) -> list[str]:
    """Return the arguments or the default ones, behind the entrypoint if that was asked."""
    words = [expanded(parent, word, args) for word in args["args"]]
    words = words or list(parent.config.cmd or ())
    if args.get("useEntrypoint"):
        words = [*(parent.config.entrypoint or ()), *words]
    return words


def _outcome(parent: Container, session: Session) -> Result:
    if parent.error:
        raise EngineError(parent.error)
    if parent.exec is None:
        raise EngineError(_NO_COMMAND)
    return session.solver.evaluate(parent.exec)


def _text(stream: Stream, session: Session) -> str | LongText:
    return text_of(session.solver.stream(stream))


@EXEC.field("Container", "stdout")
def stdout(parent: Container, _args: Arguments, session: Session) -> str | LongText:
    """Return the last command's standard output."""
    return _text(_outcome(parent, session).stdout, session)


@EXEC.field("Container", "stderr")
def stderr(parent: Container, _args: Arguments, session: Session) -> str | LongText:
    """Return the last command's standard error."""
    return _text(_outcome(parent, session).stderr, session)


@EXEC.field("Container", "combinedOutput")
def combined_output(parent: Container, _args: Arguments, session: Session) -> str | LongText:
    """Return both outputs of the last command as they came."""
    return _text(_outcome(parent, session).combined, session)


@EXEC.field("Container", "exitCode")
def exit_code(parent: Container, _args: Arguments, session: Session) -> int:
    """Return the last command's exit code."""
    return _outcome(parent, session).exit_code

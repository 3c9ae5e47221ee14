"""`EnvFile`: variables of a file, and containers that get them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.container import with_env
from keelway.engine.graph.node import Node
from keelway.engine.graph.ops import NewFile, Scratch
from keelway.engine.graph.records import EnvFile
from keelway.engine.graph.values import EnvVariable, File
from keelway.engine.schema.registry import Resolvers

if TYPE_CHECKING:
    from keelway.engine.graph.container import Container
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

ENV_FILE = Resolvers()

_REFERENCE = re.compile(r"\\(\$)|\$(?:\{([A-Za-z_]\w*)(?::-([^}]*))?\}|([A-Za-z_]\w*))")
_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\"": '"', r"\\": "\\"}
_ESCAPE = re.compile(r'\\[nt"\\]')


@ENV_FILE.field("Query", "envFile")
def env_file(_parent: object, _args: Arguments, _session: Session) -> EnvFile:
    """Return a file without variables."""
    return EnvFile()


@ENV_FILE.field("File", "asEnvFile")
def as_env_file(parent: File, _args: Arguments, session: Session) -> EnvFile:
    """Return the variables that a file sets."""
    text = session.trees.read(parent.node, parent.path).decode("utf-8", "replace")
    found: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip().removeprefix("export ")
        if not bare or bare.startswith("#"):
            continue
        name, equals, value = bare.partition("=")
        if not equals or not name.strip():
            raise EngineError(f"line {number} of the env file is no NAME=value")
        found.append((name.strip(), value.strip()))
    return EnvFile(raw=tuple(found))


def values(file: EnvFile, *, raw: bool) -> dict[str, str]:
    """Return the variables in order, the last of one name counts; unquoted unless `raw`."""
    found: dict[str, str] = {}
    for name, value in file.raw:
        found[name] = value if raw else _value(value, found)
    return found


def _value(text: str, known: dict[str, str]) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    if quoted:
        text = _ESCAPE.sub(lambda found: _ESCAPES[found[0]], text[1:-1])
    else:
        text = re.split(r"\s+#", text, maxsplit=1)[0]

    def one(found: re.Match[str]) -> str:
        return found[1] or known.get(found[2] or found[4]) or found[3] or ""

    return _REFERENCE.sub(one, text)


@ENV_FILE.field("EnvFile", "get")
def get(parent: EnvFile, args: Arguments, _session: Session) -> str:
    """Return a variable's value, empty when it is not set."""
    return values(parent, raw=args.get("raw", False)).get(args["name"], "")


@ENV_FILE.field("EnvFile", "exists")
def exists(parent: EnvFile, args: Arguments, _session: Session) -> bool:
    """Say whether a variable is set."""
    return args["name"] in dict(parent.raw)


@ENV_FILE.field("EnvFile", "variables")
def variables(parent: EnvFile, args: Arguments, _session: Session) -> list[EnvVariable]:
    """Return all variables."""
    found = values(parent, raw=args.get("raw", False))
    return [EnvVariable(name=name, value=value) for name, value in found.items()]


@ENV_FILE.field("EnvFile", "withVariable")
def with_variable(parent: EnvFile, args: Arguments, _session: Session) -> EnvFile:
    """Set a variable."""
    return EnvFile(raw=(*_without(parent, args["name"]), (args["name"], args["value"])))


@ENV_FILE.field("EnvFile", "withoutVariable")
def without_variable(parent: EnvFile, args: Arguments, _session: Session) -> EnvFile:
    """Unset a variable."""
    return EnvFile(raw=_without(parent, args["name"]))


def _without(file: EnvFile, name: str) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in file.raw if pair[0] != name)


@ENV_FILE.field("EnvFile", "namespace")
def namespace(parent: EnvFile, args: Arguments, _session: Session) -> EnvFile:
    """Return the variables whose names begin with a prefix, without it."""
    prefix: str = args["prefix"]
    return EnvFile(
        raw=tuple(
            (name.removeprefix(prefix), value)
            for name, value in parent.raw
            if name.startswith(prefix) and name != prefix
        )
    )


@ENV_FILE.field("EnvFile", "asFile")
def as_file(parent: EnvFile, _args: Arguments, _session: Session) -> File:
    """Return the file."""
    text = "".join(f"{name}={value}\n" for name, value in parent.raw)
    op = NewFile(path="/.env", contents=text.encode(), mode=0o600)
    return File(node=Node.of(op, Node.of(Scratch())), path="/.env")


@ENV_FILE.field("Container", "withEnvFileVariables")
def with_env_file_variables(parent: Container, args: Arguments, session: Session) -> Container:
    """Set all variables of a file, in commands and in the image."""
    for name, value in values(session.env_file(args["source"]), raw=False).items():
        parent = with_env(parent, name, value)
    return parent

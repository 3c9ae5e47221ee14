"""`EnvFile`: variables of a file, and containers that get them."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.engine.graph.container import with_env
from keelway.engine.graph.dotenv import Dotenv
from keelway.engine.graph.node import Node
from keelway.engine.graph.ops import NewFile, Scratch
from keelway.engine.graph.records import EnvFile
from keelway.engine.graph.values import EnvVariable, File
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import inside

if TYPE_CHECKING:
    from keelway.engine.graph.container import Container
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

ENV_FILE = Resolvers()

_EXPORT = re.compile(r"^export\s+")
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-_.\s]+")


@ENV_FILE.field("Query", "envFile")
def env_file(_parent: object, _args: Arguments, _session: Session) -> EnvFile:
    """Return a file without variables."""
    return EnvFile()


@ENV_FILE.field("File", "asEnvFile")
def as_env_file(parent: File, _args: Arguments, session: Session) -> EnvFile:
    """Return the variables that a file sets; a name alone is an empty one."""
    text = session.trees.read(parent.node, parent.path).decode("utf-8", "replace")
    found: dict[str, str] = {}
    for line in text.split("\n"):
        bare = _EXPORT.sub("", line.strip())
        if bare and not bare.startswith("#"):
            name, _, value = bare.partition("=")
            found[name] = value
    return EnvFile(raw=tuple(found.items()))


def values(file: EnvFile, *, raw: bool) -> dict[str, str]:
    """Return the variables, sorted by name; as they are written if `raw`, else as they are meant.

    Raises:
        EngineError: One refers to what has no value.
    """
    if raw:
        return dict(sorted(file.raw))
    known = _meant(file)
    return {name: known.get(name) for name, _ in sorted(file.raw)}


def _meant(file: EnvFile) -> Dotenv:
    """Return what finds values out: the host's variables count where the file has none."""
    container = inside()
    host = os.environ if container is None else container.env
    return Dotenv(dict((*file.context, *file.raw)), lambda name: host.get(name, ""))


@ENV_FILE.field("EnvFile", "get")
def get(parent: EnvFile, args: Arguments, _session: Session) -> str:
    """Return a variable's value, empty when it is not set."""
    known = dict(parent.raw)
    if args.get("raw") or args["name"] not in known:
        return known.get(args["name"], "")
    return _meant(parent).get(args["name"])


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
    """Set a variable; one that is there keeps its place."""
    return replace(parent, raw=tuple({**dict(parent.raw), args["name"]: args["value"]}.items()))


@ENV_FILE.field("EnvFile", "withoutVariable")
def without_variable(parent: EnvFile, args: Arguments, _session: Session) -> EnvFile:
    """Unset a variable."""
    return replace(parent, raw=tuple(pair for pair in parent.raw if pair[0] != args["name"]))


@ENV_FILE.field("EnvFile", "namespace")
def namespace(parent: EnvFile, args: Arguments, _session: Session) -> EnvFile:
    """Return the variables whose names begin with a prefix and `_`, without both.

    `my-app`, `myApp` and `MY_APP_` are one prefix. The other variables can still be referred to.
    """
    words = [word.lower() for word in _WORD_ENDS.split(args["prefix"]) if word]
    starts = ("".join(words) + "_", "_".join(words) + "_")
    inner: list[tuple[str, str]] = []
    others = list(parent.context)
    for name, value in sorted(parent.raw):
        start = next((start for start in starts if name.lower().startswith(start)), None)
        if start is None:
            others.append((name, value))
        else:
            inner.append((name[len(start) :], value))
    return EnvFile(raw=tuple(dict(inner).items()), context=tuple(others))


@ENV_FILE.field("EnvFile", "asFile")
def as_file(parent: EnvFile, _args: Arguments, _session: Session) -> File:
    """Return the file."""
    text = "".join(f"{name}={value}\n" for name, value in parent.raw)
    op = NewFile(path="/.env", contents=text.encode(), mode=0o644)
    return File(node=Node.of(op, Node.of(Scratch())), path="/.env")


@ENV_FILE.field("Container", "withEnvFileVariables")
def with_env_file_variables(parent: Container, args: Arguments, session: Session) -> Container:
    """Set all variables of a file, in commands and in the image."""
    for name, value in values(session.env_file(args["source"]), raw=False).items():
        parent = with_env(parent, name, value)
    return parent

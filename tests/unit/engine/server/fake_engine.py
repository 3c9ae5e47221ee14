"""A session with a handful of fields and no kernel: what the SDK needs, and no more.

Run as a program it is an executable for `_EXPERIMENTAL_DAGGER_CLI_BIN`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keelway.engine.errors import EngineError, ExecFailed
from keelway.engine.lifetime import announce, serve
from keelway.engine.schema.client import find_client
from keelway.engine.schema.registry import Resolvers
from keelway.engine.schema.request import current_request
from keelway.engine.server.listener import listen

RESOLVERS = Resolvers()
RESOLVERS.record("EnvVariable", "name", "value")


@dataclass(frozen=True)
class Variable:
    name: str
    value: str


@dataclass(frozen=True)
class Box:
    """A container that remembers what was asked of it."""

    steps: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    failing: int = 0


@dataclass(frozen=True)
class Tree:
    name: str


class Session:
    """IDs of values, and a note of what was evaluated."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[str, Any]] = {}
        self.synced: list[str] = []
        self.closed = False

    def id_of(self, type_name: str, value: object) -> str:
        digest = hashlib.sha256(f"{type_name} {value!r}".encode()).hexdigest()[:20]
        self.values[f"x{digest}"] = (type_name, value)
        return f"x{digest}"

    def node(self, id_: str) -> tuple[str, Any]:
        if id_ not in self.values:
            raise EngineError(f"unknown ID {id_}")
        return self.values[id_]

    def load(self, id_: str, type_name: str) -> Any:
        found, value = self.node(id_)
        if found != type_name:
            raise EngineError(f"expected the ID of a {type_name}, got one of a {found}")
        return value

    def sync(self, type_name: str, value: object) -> None:
        self.synced.append(type_name)
        if isinstance(value, Box) and value.failing:
            fail(value)

    def close(self) -> None:
        self.closed = True


def fail(box: Box) -> None:
    raise ExecFailed(
        f"exit code: {box.failing}",
        command=["sh", "-c", "exit"],
        exit_code=box.failing,
        stdout="out",
        stderr="err",
    )


@RESOLVERS.field("Query", "container")
def container(_parent: Session, _args: dict[str, Any], _session: Session) -> Box:
    return Box()


@RESOLVERS.field("Query", "directory")
def directory(_parent: Session, _args: dict[str, Any], _session: Session) -> Tree:
    return Tree("root")


@RESOLVERS.field("Directory", "name")
def name(parent: Tree, _args: dict[str, Any], _session: Session) -> str:
    return parent.name


@RESOLVERS.field("Directory", "withNewFile")
def with_new_file(parent: Tree, args: dict[str, Any], _session: Session) -> Tree:
    return Tree(f"{parent.name}+{args['path']}:{args['permissions']:o}")


@RESOLVERS.field("Container", "withExec")
def with_exec(parent: Box, args: dict[str, Any], _session: Session) -> Box:
    if args["args"][0] == "fail":
        return replace(parent, failing=int(args["args"][1]))
    return replace(parent, steps=(*parent.steps, f"{' '.join(args['args'])} {args['expect']}"))


@RESOLVERS.field("Container", "withDirectory")
def with_directory(parent: Box, args: dict[str, Any], session: Session) -> Box:
    tree = session.load(args["source"], "Directory")
    return replace(parent, steps=(*parent.steps, f"{args['path']}={tree.name}"))


@RESOLVERS.field("Container", "withEnvVariable")
def with_env_variable(parent: Box, args: dict[str, Any], _session: Session) -> Box:
    return replace(parent, variables=(*parent.variables, Variable(args["name"], args["value"])))


@RESOLVERS.field("Container", "envVariables")
def env_variables(parent: Box, _args: dict[str, Any], _session: Session) -> list[Variable]:
    return list(parent.variables)


@RESOLVERS.field("Container", "envVariable")
def env_variable(parent: Box, args: dict[str, Any], _session: Session) -> str | None:
    found = {variable.name: variable.value for variable in parent.variables}
    return found.get(args["name"])


@RESOLVERS.field("Container", "dockerHealthcheck")
def docker_healthcheck(_parent: Box, _args: dict[str, Any], _session: Session) -> None:
    return None


@RESOLVERS.field("Container", "stdout")
def stdout(parent: Box, _args: dict[str, Any], _session: Session) -> str:
    if parent.failing:
        fail(parent)
    if parent.steps and parent.steps[-1].startswith("sleep "):
        time.sleep(float(parent.steps[-1].split()[1]))
    return "\n".join(parent.steps)


@RESOLVERS.field("Container", "stderr")
def stderr(_parent: Box, _args: dict[str, Any], _session: Session) -> str:
    return ""


@RESOLVERS.field("Container", "exitCode")
def exit_code(_parent: Box, _args: dict[str, Any], _session: Session) -> int:
    return 2**40


@RESOLVERS.field("Container", "platform")
def platform(_parent: Box, _args: dict[str, Any], _session: Session) -> str:
    return "linux/amd64"


@RESOLVERS.field("Container", "user")
def user(_parent: Box, _args: dict[str, Any], _session: Session) -> str:
    raise KeyError("a defect of the engine")


@RESOLVERS.field("Container", "up")
def up(_parent: Box, _args: dict[str, Any], _session: Session) -> None:
    WAITING.set()
    if current_request().wait_gone(30):
        GONE.set()


@RESOLVERS.field("Container", "publish")
def publish(_parent: Box, args: dict[str, Any], session: Session) -> str:
    variants = [session.load(id_, "Container") for id_ in args["platformVariants"]]
    return f"{args['address']} {len(variants)} {args['mediaTypes']} {args.get('forcedCompression')}"


WAITING = threading.Event()
GONE = threading.Event()


def main() -> int:
    listener = listen()
    return serve(
        listener,
        announce(listener),
        client=find_client(),
        schemas=Path(os.environ["KEELWAY_STORE"], "schema"),
        make_parts=lambda: (RESOLVERS, Session()),
        on_ready=lambda: None,
    )


if __name__ == "__main__":
    sys.exit(main())

"""Fields of `Container` that only change or tell its configuration."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.engine.errors import EngineError
from keelway.engine.graph.container import (
    Config,
    Container,
    absolute,
    with_env,
    with_pair,
    without_pair,
)
from keelway.engine.graph.ops import ExecSecret
from keelway.engine.graph.values import EnvVariable, Label, Port
from keelway.engine.schema.registry import Resolvers

if TYPE_CHECKING:
    from keelway.engine.schema.registry import Arguments
    from keelway.engine.schema.session import Session

CONTAINER = Resolvers()
CONTAINER.record("EnvVariable", "name", "value")
CONTAINER.record("Label", "name", "value")
CONTAINER.record(
    "Port", "port", "protocol", "description", experimentalSkipHealthcheck="skip_healthcheck"
)

_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|\{|([A-Za-z_][A-Za-z0-9_]*|[*#$@!?\-0-9]))")
"""As Go's `os.Expand` finds them: a `${` that is not closed is dropped."""


def configured(container: Container, **changes: object) -> Container:
    """Return the container with parts of its configuration changed."""
    config: Config = replace(container.config, **changes)  # type: ignore[arg-type] # names below
    return replace(container, config=config, image_ref="")


def expanded(container: Container, text: str, args: Arguments) -> str:
    """Return `text` with `$NAME` and `${NAME}` replaced by the configuration's variables.

    Raises:
        EngineError: A variable is a secret's, or volatile: its value must not get into the graph.
    """
    if not args.get("expand"):
        return text
    secret = {found.variable for found in container.secrets if found.variable}
    volatile = {name for name, _ in container.volatile}
    values = dict(container.config.env)

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2] or ""
        for names, kind in ((secret, "secret env"), (volatile, "volatile env")):
            if name in names:
                raise EngineError(f'expand cannot be used with {kind} variable "{name}"')
        return values.get(name, "")

    return _VARIABLE.sub(value, text)


# --- environment -----------------------------------------------------------------------------


@CONTAINER.field("Container", "withEnvVariable")
def with_env_variable(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set a variable, in commands and in the image."""
    return with_env(parent, args["name"], expanded(parent, args["value"], args))


@CONTAINER.field("Container", "withoutEnvVariable")
def without_env_variable(parent: Container, args: Arguments, _session: Session) -> Container:
    """Unset a variable."""
    return configured(parent, env=without_pair(parent.config.env, args["name"]))


@CONTAINER.field("Container", "envVariable")
def env_variable(parent: Container, args: Arguments, session: Session) -> str | None:
    """Return a variable's value, None when it is not set."""
    session.sync_container(parent)
    return dict(parent.config.env).get(args["name"])


@CONTAINER.field("Container", "envVariables")
def env_variables(parent: Container, _args: Arguments, session: Session) -> list[EnvVariable]:
    """Return the variables in order."""
    session.sync_container(parent)
    return [EnvVariable(name=name, value=value) for name, value in parent.config.env]


@CONTAINER.field("Container", "withVolatileVariable")
def with_volatile_variable(parent: Container, args: Arguments, session: Session) -> Container:
    """Set a variable that commands see and caches and images do not."""
    made = replace(
        parent, volatile=with_pair(parent.volatile, args["name"], args["value"]), image_ref=""
    )
    session.volatile.set(args["name"], args["value"], asked=(parent, made))
    return made


@CONTAINER.field("Container", "withoutVolatileVariable")
def without_volatile_variable(parent: Container, args: Arguments, _session: Session) -> Container:
    """Unset a volatile variable."""
    return replace(parent, volatile=without_pair(parent.volatile, args["name"]), image_ref="")


@CONTAINER.field("Container", "withSecretVariable")
def with_secret_variable(parent: Container, args: Arguments, session: Session) -> Container:
    """Give commands a secret as a variable; the image does not get it."""
    secret = session.secret(args["secret"])
    kept = tuple(found for found in parent.secrets if found.variable != args["name"])
    new = ExecSecret(identity=secret.identity, handle=secret.handle, variable=args["name"])
    return replace(parent, secrets=(*kept, new), image_ref="")


@CONTAINER.field("Container", "withoutSecretVariable")
def without_secret_variable(parent: Container, args: Arguments, _session: Session) -> Container:
    """Take a secret variable away."""
    kept = tuple(found for found in parent.secrets if found.variable != args["name"])
    return replace(parent, secrets=kept, image_ref="")


# --- user, directory, command ----------------------------------------------------------------


@CONTAINER.field("Container", "withWorkdir")
def with_workdir(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set the working directory, relative to the one before; an absolute path stays as it is."""
    path = expanded(parent, args["path"], args)
    return configured(parent, workdir=path if path.startswith("/") else absolute(parent, path))


@CONTAINER.field("Container", "withoutWorkdir")
def without_workdir(parent: Container, _args: Arguments, _session: Session) -> Container:
    """Go back to the root directory."""
    return configured(parent, workdir="")


@CONTAINER.field("Container", "workdir")
def workdir(parent: Container, _args: Arguments, session: Session) -> str:
    """Return the working directory, "" when none is set."""
    session.sync_container(parent)
    return parent.config.workdir


@CONTAINER.field("Container", "withUser")
def with_user(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set the user: name, uid, name:group or uid:gid."""
    return configured(parent, user=args["name"])


@CONTAINER.field("Container", "withoutUser")
def without_user(parent: Container, _args: Arguments, _session: Session) -> Container:
    """Go back to root."""
    return configured(parent, user="")


@CONTAINER.field("Container", "user")
def user(parent: Container, _args: Arguments, session: Session) -> str:
    """Return the user, "" when none is set."""
    session.sync_container(parent)
    return parent.config.user


def _entrypoint(parent: Container, words: tuple[str, ...] | None, args: Arguments) -> Container:
    """Set the entrypoint; the default arguments were the old one's, so they go too."""
    if args.get("keepDefaultArgs"):
        return configured(parent, entrypoint=words)
    return replace(configured(parent, entrypoint=words, cmd=None), default_args_set=False)


@CONTAINER.field("Container", "withEntrypoint")
def with_entrypoint(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set the entrypoint."""
    return _entrypoint(parent, tuple(args["args"]), args)


@CONTAINER.field("Container", "withoutEntrypoint")
def without_entrypoint(parent: Container, args: Arguments, _session: Session) -> Container:
    """Unset the entrypoint."""
    return _entrypoint(parent, None, args)


@CONTAINER.field("Container", "entrypoint")
def entrypoint(parent: Container, _args: Arguments, session: Session) -> list[str]:
    """Return the entrypoint."""
    session.sync_container(parent)
    return list(parent.config.entrypoint or ())


@CONTAINER.field("Container", "withDefaultArgs")
def with_default_args(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set the default arguments."""
    return replace(configured(parent, cmd=tuple(args["args"])), default_args_set=True)


@CONTAINER.field("Container", "withoutDefaultArgs")
def without_default_args(parent: Container, _args: Arguments, _session: Session) -> Container:
    """Unset the default arguments."""
    return replace(configured(parent, cmd=None), default_args_set=False)


@CONTAINER.field("Container", "defaultArgs")
def default_args(parent: Container, _args: Arguments, session: Session) -> list[str]:
    """Return the default arguments."""
    session.sync_container(parent)
    return list(parent.config.cmd or ())


@CONTAINER.field("Container", "platform")
def platform(parent: Container, _args: Arguments, session: Session) -> str:
    """Return the platform."""
    session.sync_container(parent)
    return parent.platform


@CONTAINER.field("Container", "imageRef")
def image_ref(parent: Container, _args: Arguments, session: Session) -> str:
    """Return the reference, with its digest, that the container was made from.

    Commands that have run are no change of the image, those that are still to run are.
    """
    if parent.error:
        raise EngineError(parent.error)
    pending = parent.exec is not None and not session.solver.has(parent.exec)
    if not parent.image_ref or pending:
        raise EngineError(
            "Image reference can only be retrieved immediately after the 'Container.From' call. "
            "Error in fetching imageRef as the container image is changed"
        )
    return parent.image_ref


# --- labels, annotations, ports --------------------------------------------------------------


@CONTAINER.field("Container", "withLabel")
def with_label(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set a label."""
    return configured(parent, labels=with_pair(parent.config.labels, args["name"], args["value"]))


@CONTAINER.field("Container", "withoutLabel")
def without_label(parent: Container, args: Arguments, _session: Session) -> Container:
    """Unset a label."""
    return configured(parent, labels=without_pair(parent.config.labels, args["name"]))


@CONTAINER.field("Container", "label")
def label(parent: Container, args: Arguments, session: Session) -> str | None:
    """Return a label's value, None when it is not set."""
    session.sync_container(parent)
    return dict(parent.config.labels).get(args["name"])


@CONTAINER.field("Container", "labels")
def labels(parent: Container, _args: Arguments, session: Session) -> list[Label]:
    """Return the labels."""
    session.sync_container(parent)
    return [Label(name=name, value=value) for name, value in parent.config.labels]


@CONTAINER.field("Container", "withAnnotation")
def with_annotation(parent: Container, args: Arguments, _session: Session) -> Container:
    """Set an annotation of the manifest to come."""
    annotations = with_pair(parent.annotations, args["name"], args["value"])
    return replace(parent, annotations=annotations, image_ref="")


@CONTAINER.field("Container", "withoutAnnotation")
def without_annotation(parent: Container, args: Arguments, _session: Session) -> Container:
    """Unset an annotation."""
    annotations = without_pair(parent.annotations, args["name"])
    return replace(parent, annotations=annotations, image_ref="")


@CONTAINER.field("Container", "withExposedPort")
def with_exposed_port(parent: Container, args: Arguments, _session: Session) -> Container:
    """Expose a port, for services and in the image."""
    port = Port(
        port=args["port"],
        protocol=args.get("protocol", "TCP"),
        description=args.get("description"),
        skip_healthcheck=args.get("experimentalSkipHealthcheck", False),
    )
    key = (port.port, port.protocol)
    if all((old.port, old.protocol) != key for old in parent.ports):
        return replace(parent, ports=(*parent.ports, port), image_ref="")
    ports = tuple(port if (old.port, old.protocol) == key else old for old in parent.ports)
    return replace(parent, ports=ports, image_ref="")


@CONTAINER.field("Container", "withoutExposedPort")
def without_exposed_port(parent: Container, args: Arguments, _session: Session) -> Container:
    """Stop exposing a port, and all those that only an image has named, as Dagger does."""
    key = (args["port"], args.get("protocol", "TCP"))
    kept = (port for port in parent.ports if port.service and (port.port, port.protocol) != key)
    return replace(parent, ports=tuple(kept), image_ref="")


@CONTAINER.field("Container", "exposedPorts")
def exposed_ports(parent: Container, _args: Arguments, session: Session) -> list[Port]:
    """Return the ports, those that only the image names included."""
    session.sync_container(parent)
    return list(parent.ports)


def path_of(parent: Container, args: Arguments, name: str = "path") -> str:
    """Return a path argument as an absolute path, expanded where that was asked."""
    return absolute(parent, expanded(parent, args[name], args))


def base_name(path: str) -> str:
    """Return the last part of a path."""
    return posixpath.basename(path.rstrip("/"))

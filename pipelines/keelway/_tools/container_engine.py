"""Docker and Podman by their common command line: what to type, and what they answer.

Everything is read from what `inspect` prints, never from tables for people.

Example:
    >>> list_argv("docker", "orders")[:3]
    ('docker', 'ps', '--all')
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from keelway.errors import ToolOutputError
from keelway.model.service_state import Health, ServiceState

EngineName = Literal["docker", "podman"]

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
"""Both are set by every compose program, podman-compose too."""

_STAGE = "deploy"
_NANOSECONDS = 1_000_000_000
_PORT = re.compile(r"(\d+)/\w+")
_MOST_HEALTH_LOGS = 5
_HEALTH: Mapping[str, Health] = {
    "healthy": "healthy",
    "unhealthy": "unhealthy",
    "starting": "starting",
}
_T = TypeVar("_T")


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _or_none_listed(value: object) -> object:
    return [] if value is None else value


_Nothing = BeforeValidator(_or_empty)
_NoneListed = BeforeValidator(_or_none_listed)


class _Answer(BaseModel):
    """A part of what `inspect` prints; what is not named here is not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class _HealthRun(_Answer):
    code: int = Field(default=0, alias="ExitCode")
    output: str = Field(default="", alias="Output")


class _Health(_Answer):
    status: str = Field(default="", alias="Status")
    log: Annotated[tuple[_HealthRun, ...], _NoneListed] = Field(default=(), alias="Log")


class _State(_Answer):
    status: str = Field(alias="Status")
    code: int = Field(default=0, alias="ExitCode")
    health: Annotated[_Health, _Nothing] = Field(default_factory=_Health, alias="Health")


class _Check(_Answer):
    test: Annotated[tuple[str, ...], _NoneListed] = Field(default=(), alias="Test")
    interval: int = Field(default=0, alias="Interval")


class _Config(_Answer):
    image: str = Field(default="", alias="Image")
    labels: Annotated[Mapping[str, str], _Nothing] = Field(default={}, alias="Labels")
    check: Annotated[_Check, _Nothing] = Field(default_factory=_Check, alias="Healthcheck")
    user: str = Field(default="", alias="User")


class _Policy(_Answer):
    name: str = Field(default="", alias="Name")


class _HostConfig(_Answer):
    policy: Annotated[_Policy, _Nothing] = Field(default_factory=_Policy, alias="RestartPolicy")


class _Binding(_Answer):
    address: str = Field(default="", alias="HostIp")
    port: str = Field(default="", alias="HostPort")


class _Network(_Answer):
    ports: Annotated[Mapping[str, tuple[_Binding, ...] | None], _Nothing] = Field(
        default={}, alias="Ports"
    )


class _Container(_Answer):
    id: str = Field(alias="Id")
    image: str = Field(default="", alias="Image")
    image_name: str = Field(default="", alias="ImageName")
    state: _State = Field(alias="State")
    config: _Config = Field(alias="Config")
    host: Annotated[_HostConfig, _Nothing] = Field(default_factory=_HostConfig, alias="HostConfig")
    network: Annotated[_Network, _Nothing] = Field(
        default_factory=_Network, alias="NetworkSettings"
    )
    restarts: int = Field(default=0, alias="RestartCount")


class _ImageSeen(_Answer):
    id: str = Field(alias="Id")
    digests: Annotated[tuple[str, ...], _NoneListed] = Field(default=(), alias="RepoDigests")
    config: Annotated[_Config, _Nothing] = Field(default_factory=_Config, alias="Config")


class _Version(_Answer):
    version: str = Field(default="", alias="Version")
    # Podman, called docker by the package podman-docker, spells it APIVersion.
    api: str = Field(default="", alias="ApiVersion")


class _Versions(_Answer):
    client: Annotated[_Version, _Nothing] = Field(default_factory=_Version, alias="Client")
    server: Annotated[_Version, _Nothing] = Field(default_factory=_Version, alias="Server")


_CONTAINERS = TypeAdapter(tuple[_Container, ...])
_IMAGES = TypeAdapter(tuple[_ImageSeen, ...])


def parse_engine_version(text: str, engine: EngineName) -> str | None:
    """Return the version of what runs the containers, from `version --format '{{json .}}'`.

    Nothing where that is not the engine it is asked for.
    """
    try:
        found = _Versions.model_validate_json(text)
    except ValidationError:
        return None
    if engine == "podman":
        return found.client.version or None
    return found.server.version if found.server.api else None


def list_argv(engine: str, project: str) -> tuple[str, ...]:
    """Return what prints the ids of all containers of a compose project, a line each."""
    filtered = f"label={PROJECT_LABEL}={project}"
    return (engine, "ps", "--all", "--quiet", "--no-trunc", "--filter", filtered)


def parse_ids(text: str) -> tuple[str, ...]:
    """Return the ids, each once."""
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def parse_containers(text: str) -> tuple[ServiceState, ...]:
    """Return the states of containers from `container inspect`, by service and container.

    Raises:
        ToolOutputError: It did not parse.
    """
    found = [_state_of(one) for one in _parsed(_CONTAINERS, text)]
    return tuple(sorted(found, key=lambda one: (one.service, one.container)))


def parse_image_digests(text: str) -> dict[str, tuple[str, ...]]:
    """Return each image's references by digest, from `image inspect`, by the image's id.

    Raises:
        ToolOutputError: It did not parse.
    """
    return {_plain_id(one.id): one.digests for one in _parsed(_IMAGES, text)}


def parse_image_user(text: str) -> str:
    """Return whom an image runs as, as it is written in the image; empty for root.

    Raises:
        ToolOutputError: It did not parse.
    """
    return _parsed(_IMAGES, text)[0].config.user


def parse_copied(archive: bytes) -> str:
    """Return the text of the one file that `cp CONTAINER:PATH -` wrote.

    Raises:
        ToolOutputError: It is no archive with a file.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                file = tar.extractfile(member)
                if file is not None:
                    return file.read().decode(errors="replace")
    except tarfile.TarError as error:
        raise ToolOutputError("a copied file did not arrive", stage=_STAGE, text="") from error
    raise ToolOutputError("a copied file did not arrive", stage=_STAGE, text="")


def merge_logs(*streams: str) -> str:
    """Return what a container wrote, in the order of time.

    Args:
        streams: What `logs --timestamps` gave, standard output and standard error apart. The
            times are taken off.
    """
    lines = [
        line.partition(" ")
        for stream in streams
        for line in stream.splitlines()
        if line and line[0].isdigit()
    ]
    return "\n".join(text.rstrip() for _, _, text in sorted(lines, key=lambda line: line[0]))


def parse_free_bytes(text: str) -> int:
    """Return what is free, from what `df -P -k PATH` prints.

    Raises:
        ToolOutputError: It did not parse.
    """
    rows = text.splitlines()
    if rows:
        columns = rows[-1].split()
        # The name of a device may have spaces: counted from the end of the row.
        if len(columns) > 3 and columns[-3].isdigit():  # noqa: PLR2004 - free, used and mount point
            return int(columns[-3]) * 1024
    raise ToolOutputError("df did not tell how much is free", stage=_STAGE, text=text)


def _state_of(one: _Container) -> ServiceState:
    health = one.state.health
    is_checked = bool(one.config.check.test) and one.config.check.test != ("NONE",)
    runs = health.log[-_MOST_HEALTH_LOGS:]
    return ServiceState(
        service=one.config.labels.get(SERVICE_LABEL, ""),
        container=one.id,
        status="created" if one.state.status in {"configured", "initialized"} else one.state.status,
        health=_HEALTH.get(health.status, "starting") if is_checked else None,
        exit_code=one.state.code,
        image=one.config.image or one.image_name,
        image_id=_plain_id(one.image),
        ports=tuple(_ports(one.network.ports)),
        restarts=one.restarts,
        restart_policy=one.host.policy.name or "no",
        health_log=tuple(f"exit code {run.code}: {run.output.strip()}" for run in runs),
        health_interval_s=one.config.check.interval / _NANOSECONDS if is_checked else None,
    )


def _ports(ports: Mapping[str, tuple[_Binding, ...] | None]) -> Sequence[tuple[int, str, int]]:
    found = {
        (int(match[1]), one.address or "0.0.0.0", int(one.port))  # noqa: S104 - what an engine means by no address
        for name, bindings in ports.items()
        if (match := _PORT.fullmatch(name)) is not None
        for one in bindings or ()
        if one.port.isdigit()
    }
    return sorted(found)


def _plain_id(text: str) -> str:
    return text.removeprefix("sha256:")


def _parsed(adapter: TypeAdapter[_T], text: str) -> _T:
    try:
        return adapter.validate_python(json.loads(text or "[]"))
    except (json.JSONDecodeError, ValidationError) as error:
        raise ToolOutputError(
            "the container engine's answer did not parse", stage=_STAGE, text=text, why=str(error)
        ) from error

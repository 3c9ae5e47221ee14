"""[engines]: which engine builds and judges which platform."""

from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field

from keelway.config.section import SecretSource, Section, Text
from keelway.model.engine_address import parse_engine


def _address(value: str) -> str:
    parse_engine(value)
    return value


EngineText = Annotated[str, AfterValidator(_address)]


class EngineConfig(Section):
    """The engines of a platform."""

    at: Annotated[tuple[EngineText, ...], Field(min_length=1)]
    """Where they are: `local`, `local:/folder/of/its/store`, `keelway-ssh://builder@arm1` for a
    machine that has keelway, or an address that Dagger's command line takes, as
    `tcp://10.0.0.5:1234`, `ssh://builder@arm1`, `kube-pod://engine-0?namespace=ci`.
    A project stays with one of them, so that its cache is there; when that one is lost the next
    takes over.
    """
    builds: Annotated[int, Field(ge=1, le=64)] = 8
    """How many images are built at once on one of them."""
    emulate: bool = True
    """Whether this machine's local engine takes over, by emulation, when all of them are lost."""
    known_hosts: Text = "~/.ssh/known_hosts"
    """File with the keys that machines of `keelway-ssh://` must have, relative to the configuration
    file.
    """
    ssh_key: SecretSource | None = None
    """The private key to log in to them with. Without one the SSH agent's keys are used, and else
    the usual files in `~/.ssh`.
    """
    ssh_key_password: SecretSource | None = None
    """Password of the key; none when the key has none."""
    connect_timeout_s: Annotated[int, Field(ge=1, le=600)] = 20
    """Seconds that such a machine has to answer."""


def _short(value: Any) -> Any:
    """Take an address, or a list of them, for the whole table."""
    match value:
        case str():
            return {"at": (value,)}
        case dict() | EngineConfig():
            return cast("object", value)
        case _:
            return {"at": value}


Engines = Annotated[
    EngineConfig,
    BeforeValidator(_short, json_schema_input_type=str | list[str] | EngineConfig),
]
"""A table, or in short what `at` would be."""

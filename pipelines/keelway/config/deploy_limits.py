"""Parts of [deploy.NAME]: what its services may use and do on the hosts."""

from typing import Annotated

from pydantic import Field, StringConstraints

from keelway.config.section import Section, Text

SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)?[bkmgBKMG]?[bB]?$"
# Each is something that the deployed services may not do unless it is allowed by name.
ALLOW_PATTERN = (
    r"^(root|writable-root|privileged|host-network|docker-socket"
    r"|cap_add:[A-Za-z_]+|security_opt:.+|bind:.+|environment:[A-Za-z_][A-Za-z0-9_]*)$"
)
_SHORTEST_REASON = 8

SizeText = Annotated[str, StringConstraints(pattern=SIZE_PATTERN)]
ContainerPath = Annotated[str, StringConstraints(pattern=r"^/[^:\s]*[^:\s/]$")]


class AllowConfig(Section):
    """Something that one service may do though others may not."""

    what: Annotated[str, StringConstraints(pattern=ALLOW_PATTERN)]
    """What it may: `"root"`, `"writable-root"`, `"privileged"`, `"host-network"`,
    `"docker-socket"`, `"cap_add:NAME"`, `"security_opt:TEXT"`, `"bind:PATH"` or
    `"environment:NAME"` (a variable whose name says that it is a secret).
    """
    reason: Annotated[Text, Field(min_length=_SHORTEST_REASON)]
    """Why; whoever reads the deployment's record is told."""


class DeployServiceConfig(Section):
    """What is particular to one service of the compose files."""

    scratch: tuple[ContainerPath, ...] = ()
    """Folders that it writes to and may forget: memory, beside `/tmp`. All else is read-only."""
    cpus: Annotated[float, Field(gt=0, le=1024)] | None = None
    """How many processors it may use; that of `limits` when neither is here nor in the file."""
    memory: SizeText | None = None
    """How much memory it may use, as `"512m"`."""
    pids: Annotated[int, Field(ge=1)] | None = None
    """How many processes and threads it may have."""
    allow: tuple[AllowConfig, ...] = ()
    """What it may do though others may not."""


class DeployLimitsConfig(Section):
    """What services may use that say nothing of it themselves."""

    cpus: Annotated[float, Field(gt=0, le=1024)] = 1.0
    """How many processors."""
    memory: SizeText = "512m"
    """How much memory."""
    pids: Annotated[int, Field(ge=1)] = 256
    """How many processes and threads."""
    scratch: SizeText = "64m"
    """How much each folder of `scratch`, and `/tmp`, may hold; it counts as memory."""
    log_size: SizeText = "10m"
    """How large a file of a service's log may grow."""
    log_files: Annotated[int, Field(ge=1, le=1000)] = 3
    """How many such files are kept."""

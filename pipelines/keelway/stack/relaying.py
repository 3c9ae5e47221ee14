"""A service that stands in for another one, whose network an experiment cuts or delays.

Whoever knows the hurt service by its name reaches the stand-in instead (`relay.sh` beside this
file), which passes each connection on. It takes no rights, and any engine has it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.compose.project import FileGrant, FileSource, Project, Service
from keelway.errors import ConfigError
from keelway.stack.mapping import declared_ports
from keelway.stack.objections import problem
from keelway.stack.supervise import BOARD_PATH, BUSYBOX_PATH, script_text, words

if TYPE_CHECKING:
    from keelway.stack.images import Opened

RELAY_PATH = "/relay"
_CONFIG = "keelway-relay"


def with_relay_script(project: Project) -> Project:
    """Return the project with the script that stand-ins run."""
    text = f"B={BUSYBOX_PATH} board={BOARD_PATH} script={RELAY_PATH}\n{words()}\n"
    script = FileSource(name=_CONFIG, content=text + script_text("relay.sh"))
    return replace(project, configs={**project.configs, _CONFIG: script})


def relay_service(service: Service, ports: tuple[int, ...]) -> Service:
    """Return the stand-in of a service, in the same networks.

    Args:
        service: The service that it stands in for.
        ports: The TCP ports of it that are passed on.
    """
    name = f"{service.name}-relay"
    return Service(
        name=name,
        place=service.place,
        entrypoint=(BUSYBOX_PATH, "sh", RELAY_PATH),
        command=("listen", name, service.name, *map(str, ports)),
        configs=(FileGrant(source=_CONFIG, target=RELAY_PATH),),
        networks={key: replace(one, aliases=()) for key, one in service.networks.items()},
        stop_grace_period_s=0.5,
    )


def relay_ports(service: Service, opened: Opened) -> tuple[int, ...]:
    """Return the TCP ports that a service declares: in its entry, else in its image.

    Raises:
        ConfigError: There are none, so that nobody knows what to pass on.
    """
    own = tuple(port for port, protocol in declared_ports(service) if protocol == "tcp")
    if own or opened.settings.ports:
        return own or opened.settings.ports
    text = "its network is to be cut or delayed, and neither it nor its image names a TCP port"
    raise ConfigError(
        [problem(service.place, f"services.{service.name}.expose", text)],
        next_step="name them: `expose` here, EXPOSE in its Dockerfile, or `ports` of the fault",
    )

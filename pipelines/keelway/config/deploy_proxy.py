"""[deploy.NAME.proxy]: the NGINX before the services, which blue/green switches."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from keelway.config.load import PathText
from keelway.config.section import Name, Section, Text

# Words of NGINX's own language: nothing that ends them.
PLAIN = r"^[^\s;{}\"'\\#$]+$"
PlainText = Annotated[str, StringConstraints(pattern=PLAIN)]
AbsoluteText = Annotated[str, StringConstraints(pattern=r"^/[^\n\"\\$]*$")]
ListenText = Annotated[
    str, StringConstraints(pattern=r"^([0-9.]+:|\[[0-9a-fA-F:]+\]:|[a-z0-9.-]+:)?[0-9]{1,5}$")
]
Port = Annotated[int, Field(ge=1, le=65535)]
Weight = Annotated[int, Field(ge=1, le=99)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class ProxyServiceConfig(Section):
    """One service behind the proxy, and where its two colours are."""

    port: Port
    """The port that the service listens at in its container."""
    path: PathText = "/"
    """The beginning of the paths that it answers."""
    ports: Annotated[tuple[Port, ...], Field(min_length=2, max_length=2)] | None = None
    """The host's ports for blue and green, open for the host itself only. Two fixed ones, so that
    a container that starts again is found where it was.
    """
    address: PlainText | None = None
    """In place of ports: where NGINX reaches it, as in `"orders-{colour}:8080"`."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.ports is None) == (self.address is None):
            raise ValueError("name either the two ports of the host or an address")
        if self.address is not None and "{colour}" not in self.address:
            raise ValueError("the address needs {colour}: it is another one for each")
        if self.ports is not None and self.ports[0] == self.ports[1]:
            raise ValueError("blue and green need a port each")
        return self


class ProxyConfig(Section):
    """NGINX on the same host, or in a container there; keelway writes one file of it."""

    file: AbsoluteText
    """The file that keelway writes on the host, as `/etc/nginx/conf.d/orders.conf`.

    It belongs in NGINX's `http` block, in a folder that NGINX's workers can read.
    """
    file_inside: AbsoluteText | None = None
    """The same file as NGINX sees it, where it runs in a container: mount the folder, not the file.
    """
    inside: tuple[Text, ...] = ()
    """What runs a command where NGINX runs, as in `["docker", "exec", "edge"]`."""
    command: Annotated[tuple[Text, ...], Field(min_length=1)] = ("nginx",)
    """NGINX's own command, as in `["sudo", "nginx"]`."""
    reload: tuple[Text, ...] = ()
    """What makes it read its configuration again; `command` with `-s reload` when empty."""
    announce_s: Seconds = 5.0
    """Seconds before a switch in which all answers end their connection, so that no client has one
    that the reload could cut. NGINX 1.27.4 and newer don't need it.
    """
    patience_s: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """Seconds that it has to start its new workers."""
    listen: Annotated[tuple[ListenText, ...], Field(min_length=1)]
    """Ports or addresses where it listens: `["80"]`, `["127.0.0.1:8080"]`."""
    server_names: Annotated[tuple[PlainText, ...], Field(min_length=1)] = ("_",)
    """Names of the site; any name with `_`."""
    certificate: AbsoluteText | None = None
    """The file of the certificates on the host; TLS is spoken at all addresses then."""
    certificate_key: AbsoluteText | None = None
    """The file of its private key."""
    snippets: AbsoluteText | None = None
    """Own files for the `server` block, as `/etc/nginx/orders/*.conf`."""
    connect_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
    """How long a service has to take a connection."""
    answer_timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    """How long NGINX waits between two pieces of an answer."""
    max_body_mb: Annotated[int, Field(ge=0)] = 16
    """The largest request; any size with 0."""
    kept_connections: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Idle connections to each service that a worker of NGINX keeps.

    A service that closes one at the moment of a request loses this request, unless it may be
    repeated. With 0, each request has a connection of its own and this can't happen.
    """
    kept_connection_s: Annotated[float, Field(gt=0, le=3600)] = 1.0
    """How long they are kept: less than the service itself keeps them."""
    canary: tuple[Weight, ...] = ()
    """Shares of the requests, in percent, that the new version gets before it gets all of them:
    `[5, 25, 50]`. All at once when empty.
    """
    canary_wait_s: Seconds = 60.0
    """Seconds at each step before it is asked whether the new version is good."""
    keep_old: bool = False
    """Whether the old version runs until the next deployment, so that going back takes no start;
    else it is stopped after the target's `keep_old_s`, and started again where one goes back.
    """
    services: Annotated[Mapping[Name, ProxyServiceConfig], Field(min_length=1)]
    """The services behind it."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if list(self.canary) != sorted(set(self.canary)):
            raise ValueError("canary: each share is larger than the one before")
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate and certificate_key belong together")
        paths = [service.path for service in self.services.values()]
        if len(set(paths)) < len(paths):
            raise ValueError("two services have the same path")
        return self

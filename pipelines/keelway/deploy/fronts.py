"""What the configuration says of a proxy, as NGINX and the strategies need it. Pure.

Example:
    >>> from keelway.config.deploy_proxy import ProxyConfig
    >>> shop = {"port": 8080, "ports": (18080, 18081)}
    >>> config = ProxyConfig(file="/x.conf", listen=("80",), services={"shop": shop})
    >>> [one.address for one in upstreams(config, "green")]
    ['127.0.0.1:18081']
    >>> url_of(config)
    'http://127.0.0.1:80'
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keelway.deploy.nginx import Front, Route, Upstream
from keelway.deploy.proxy import NginxAt
from keelway.deploy.release import COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keelway.config.deploy_proxy import ProxyConfig, ProxyServiceConfig
    from keelway.deploy.release import Colour

_HERE = "127.0.0.1"
_ANYWHERE = {"0.0.0.0": _HERE, "[::]": "[::1]"}  # noqa: S104 - it is not listened at


def front_of(name: str, config: ProxyConfig) -> Front:
    """Return what NGINX offers for a deploy target."""
    return Front(
        name=name,
        listen=config.listen,
        server_names=config.server_names,
        routes=tuple(
            Route(service=service, path=one.path) for service, one in config.services.items()
        ),
        certificate=config.certificate,
        certificate_key=config.certificate_key,
        snippets=config.snippets,
        connect_timeout_s=config.connect_timeout_s,
        answer_timeout_s=config.answer_timeout_s,
        max_body_mb=config.max_body_mb,
        kept_connections=config.kept_connections,
        kept_connection_s=config.kept_connection_s,
    )


def nginx_of(config: ProxyConfig) -> NginxAt:
    """Return how NGINX is reached."""
    return NginxAt(
        file=config.file,
        file_inside=config.file_inside,
        inside=config.inside,
        command=config.command,
        reload=config.reload,
        announce_s=config.announce_s,
        patience_s=config.patience_s,
    )


def upstreams(config: ProxyConfig, colour: Colour) -> tuple[Upstream, ...]:
    """Return where a colour answers, as NGINX reaches it; all requests go there."""
    return tuple(
        Upstream(service=name, address=_address(one, colour))
        for name, one in config.services.items()
    )


def shared(old: Iterable[Upstream], new: Iterable[Upstream], percent: int) -> tuple[Upstream, ...]:
    """Return who answers when the new version gets a part of the requests."""
    return (
        *(replace(one, weight=100 - percent) for one in old),
        *(replace(one, weight=percent) for one in new),
    )


def colour_urls(config: ProxyConfig, colour: Colour) -> dict[str, str]:
    """Return where a colour is asked directly, by service."""
    return {name: f"http://{_address(one, colour)}" for name, one in config.services.items()}


def url_of(config: ProxyConfig) -> str:
    """Return where the proxy is asked on its own host."""
    address, _, port = config.listen[0].rpartition(":")
    scheme = "http" if config.certificate is None else "https"
    return f"{scheme}://{_ANYWHERE.get(address, address or _HERE)}:{port}"


def headers_of(config: ProxyConfig) -> dict[str, str]:
    """Return what a request says to be taken for one to this site."""
    name = config.server_names[0]
    return {} if name == "_" or name.startswith(("*", ".", "~")) else {"Host": name}


def _address(service: ProxyServiceConfig, colour: Colour) -> str:
    if service.ports is not None:
        return f"{_HERE}:{service.ports[COLOURS.index(colour)]}"
    return (service.address or "").replace("{colour}", colour)

r"""The one file of NGINX's configuration that keelway writes, and what it tells when it is read.

Pure. The file belongs inside NGINX's `http` block, as everything in `/etc/nginx/conf.d` does.

Example:
    >>> front = Front(name="web", listen=("80",), routes=(Route(service="shop"),))
    >>> blue = Upstream(service="shop", address="127.0.0.1:18080", weight=95)
    >>> green = Upstream(service="shop", address="127.0.0.1:18081", weight=5)
    >>> page = render(front, (blue, green), closing="/etc/nginx/conf.d/.closing")
    >>> print(page.decode().split("\n\n")[1])
    upstream keelway_web_shop {
        server 127.0.0.1:18080 weight=95 max_fails=0;
        server 127.0.0.1:18081 weight=5 max_fails=0;
    }
    >>> read_upstreams(page) == (blue, green)
    True
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

KEEPS_ALIVE = (1, 27, 4)
"""The first NGINX with `keepalive_min_timeout`: it announces by itself that a worker goes."""

KEEP_ALIVE_S = 10
"""Seconds after an answer in which such a worker still takes one more request."""

_HEAD = "# Written by keelway: a change by hand is lost with the next switch."
_TOLD = "# upstreams "
_GENERATION = "# generation "
_CLOSING_STATUS = 418
_VERSION = re.compile(r"nginx/([0-9]+)\.([0-9]+)\.([0-9]+)")
_PID_OPTION = re.compile(r"--pid-path=(\S+)")
_PREFIX_OPTION = re.compile(r"--prefix=(\S+)")
_PID = re.compile(r"^(?:[^#\n]*[\s;])?pid[ \t]+([^;\n]+);", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One place that answers for a service."""

    service: str
    address: str
    """`host:port`, as NGINX reaches it."""
    weight: int = 100
    """Its share beside the others of the same service; with 0 it gets nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which requests a service answers."""

    service: str
    path: str = "/"
    """The beginning of their paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What NGINX offers for one deploy target."""

    name: str
    """The deploy target."""
    listen: tuple[str, ...]
    """Ports or addresses, as behind `listen`."""
    server_names: tuple[str, ...] = ("_",)
    routes: tuple[Route, ...]
    certificate: str | None = None
    """Path of the certificates; TLS is spoken where there is one."""
    certificate_key: str | None = None
    snippets: str | None = None
    """Pattern of the user's own files for the `server` block."""
    connect_timeout_s: float = 5
    answer_timeout_s: float = 60
    """How long NGINX waits between two pieces of an answer."""
    max_body_mb: int = 16
    """The largest request; any size with 0."""
    kept_connections: int = 0
    """Idle connections to each service that a worker keeps. A service that closes one while a
    request comes in loses this request, unless it may be repeated: with 0 that can't happen."""
    kept_connection_s: float = 1
    """How long they are kept: less than the service keeps them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an NGINX is."""

    version: tuple[int, int, int]
    pid_file: str
    """Where the number of its first process stands, unless the configuration says otherwise."""
    prefix: str = "/usr/local/nginx"
    """What paths are relative to, unless its command line says otherwise with `-p`."""

    def pid_file_by(self, dump: str, command: Sequence[str]) -> str:
        r"""Return where the number of its first process stands.

        >>> about = read_about("nginx version: nginx/1.22.1 --prefix=/usr/share/nginx")
        >>> about.pid_file_by("pid logs/nginx.pid;\n", ["nginx", "-p", "/srv/front"])
        '/srv/front/logs/nginx.pid'

        Args:
            dump: The configuration that `nginx -T` printed.
            command: By which NGINX is called.
        """
        written = read_pid_file(dump)
        if written is None:
            return self.pid_file
        return posixpath.join(_prefix_in(command) or self.prefix, written)


def render(
    front: Front, upstreams: Sequence[Upstream], *, closing: str, version: tuple[int, ...] = ()
) -> bytes:
    """Return the file.

    Args:
        front: What is offered.
        upstreams: Who answers; those of one service share its requests by weight.
        closing: While this file exists, each answer ends its connection: so clients let go of
            their connections by themselves before a reload, which would cut the idle ones.
        version: Of the NGINX that will read it.

    Raises:
        ValueError: Nobody answers for a service.
    """
    body = "\n\n".join(_blocks(front, upstreams, closing, version))
    told = _TOLD + json.dumps([asdict(upstream) for upstream in upstreams])
    name = hashlib.sha256(f"{told}\n{body}".encode()).hexdigest()[:16]
    return f"{_HEAD}\n{told}\n{_GENERATION}{name}\n\n{body}\n".encode()


def read_upstreams(data: bytes | None) -> tuple[Upstream, ...]:
    """Return where a file that keelway wrote points to; nowhere for any other."""
    for line in (data or b"").decode(errors="replace").splitlines():
        if line.startswith(_TOLD):
            try:
                read = cast("list[dict[str, Any]]", json.loads(line.removeprefix(_TOLD)))
                return tuple(Upstream(**one) for one in read)
            except (TypeError, ValueError):
                return ()
    return ()


def is_read_by(dump: str, data: bytes) -> bool:
    """Return whether the configuration that `nginx -T` printed has this very file in it."""
    lines = data.decode(errors="replace").splitlines()
    return all(line in dump for line in lines if line.startswith(_GENERATION))


def read_about(text: str) -> About:
    r"""Return what `nginx -V` printed of itself.

    >>> read_about("nginx version: nginx/1.22.1\nconfigure arguments: --pid-path=/run/nginx.pid")
    About(version=(1, 22, 1), pid_file='/run/nginx.pid', prefix='/usr/local/nginx')

    Raises:
        ValueError: It is no NGINX.
    """
    found = _VERSION.search(text)
    if found is None:
        raise ValueError("it does not tell its version")
    major, minor, patch = (int(number) for number in found.groups())
    pid, prefix = _PID_OPTION.search(text), _PREFIX_OPTION.search(text)
    top = "/usr/local/nginx" if prefix is None else prefix.group(1).strip("'")
    return About(
        version=(major, minor, patch),
        pid_file="/var/run/nginx.pid"
        if pid is None
        else posixpath.join(top, pid.group(1).strip("'")),
        prefix=top,
    )


def read_pid_file(dump: str) -> str | None:
    r"""Return the path behind `pid` in the configuration that `nginx -T` printed.

    >>> read_pid_file("user www-data;\npid /run/nginx.pid;\n")
    '/run/nginx.pid'
    """
    found = _PID.search(dump)
    return None if found is None else found.group(1).strip().strip("'\"")


def _prefix_in(command: Sequence[str]) -> str | None:
    """Return what follows `-p` in a command line, beside it or as the next word."""
    for position, word in enumerate(command):
        if word.startswith("-p"):
            return word[2:] or next(iter(command[position + 1 :]), None)
    return None


def _blocks(
    front: Front, upstreams: Sequence[Upstream], closing: str, version: tuple[int, ...]
) -> Iterator[str]:
    for service in dict.fromkeys(route.service for route in front.routes):
        who = [one for one in upstreams if one.service == service and one.weight > 0]
        if not who:
            raise ValueError(f"nobody answers for {service}")
        yield _block(f"upstream {_group(front, service)}", _servers(front, who))
    idle = "close" if front.kept_connections == 0 else ""
    yield _block(
        f"map $http_upgrade ${_own(front.name)}_connection",
        ("default upgrade;", f'"" "{idle}";'),
    )
    yield _block("server", _server(front, closing, version))


def _servers(front: Front, upstreams: Iterable[Upstream]) -> Iterator[str]:
    for one in upstreams:
        # A server that fails stays in: otherwise its failures would look like its neighbour's
        # success, or everybody would get an error for ten seconds because of one.
        yield f"server {one.address} weight={one.weight} max_fails=0;"
    if front.kept_connections:
        yield f"keepalive {front.kept_connections};"
        yield f"keepalive_timeout {round(front.kept_connection_s * 1000)}ms;"


def _server(front: Front, closing: str, version: tuple[int, ...]) -> Iterator[str]:
    tls = " ssl" if front.certificate else ""
    yield from (f"listen {where}{tls};" for where in front.listen)
    yield f"server_name {' '.join(front.server_names)};"
    if front.certificate:
        yield f"ssl_certificate {_quoted(front.certificate)};"
        yield f"ssl_certificate_key {_quoted(front.certificate_key or front.certificate)};"
    yield f"client_max_body_size {front.max_body_mb}m;"
    if version >= KEEPS_ALIVE:
        yield f"keepalive_min_timeout {KEEP_ALIVE_S}s;"
    yield from (
        "proxy_http_version 1.1;",
        "proxy_set_header Host $http_host;",
        "proxy_set_header X-Real-IP $remote_addr;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Host $http_host;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "proxy_set_header Upgrade $http_upgrade;",
        f"proxy_set_header Connection ${_own(front.name)}_connection;",
        f"proxy_connect_timeout {round(front.connect_timeout_s * 1000)}ms;",
        f"proxy_send_timeout {round(front.answer_timeout_s * 1000)}ms;",
        f"proxy_read_timeout {round(front.answer_timeout_s * 1000)}ms;",
        # One try: only what was sent on a kept connection that turns out to be closed is sent
        # again, and only if it may be (not POST). Nobody answers for another one.
        "proxy_next_upstream error;",
        "proxy_next_upstream_tries 1;",
    )
    if front.snippets:
        yield f"include {_quoted(front.snippets)};"
    for number, route in enumerate(front.routes):
        yield from _locations(front, route, closing, f"@{_own(front.name)}_closing_{number}")


def _locations(front: Front, route: Route, closing: str, named: str) -> Iterator[str]:
    passed = f"proxy_pass http://{_group(front, route.service)};"
    yield from _block(
        f"location {_quoted(route.path)}",
        (
            "open_file_cache off;",
            f"error_page {_CLOSING_STATUS} = {named};",
            f"if (-f {_quoted(closing)}) {{ return {_CLOSING_STATUS}; }}",
            passed,
        ),
    ).splitlines()
    yield from _block(f"location {named}", ("keepalive_timeout 0;", passed)).splitlines()


def _block(head: str, lines: Iterable[str]) -> str:
    inside = "\n".join(f"    {line}" for line in lines)
    return f"{head} {{\n{inside}\n}}"


def _own(name: str) -> str:
    """Return a name of NGINX's for one of the configuration's, different for different ones."""
    if _PLAIN.fullmatch(name):
        return f"keelway_{name}"
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"keelway_{plain}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _group(front: Front, service: str) -> str:
    return f"{_own(front.name)}_{_own(service).removeprefix('keelway_')}"


def _quoted(text: str) -> str:
    """Return a word of NGINX's language, in quotation marks where it needs them."""
    if re.fullmatch(r"[A-Za-z0-9_./:*@-]+", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""How a service is run inside its container, and what its supervisor tells of it.

The supervisor is a shell script for BusyBox (`supervisor.sh` beside this file). It waits for what
the service depends on, gives it its names, drops to its user, keeps its log, asks its health check,
restarts it and ends it; it works on any engine that has containers and cache volumes.

Example:
    >>> script = supervisor_script(Supervised(name="web", command=("serve", "--port=80")))
    >>> "as_user_command() { as_user serve --port=80; }" in script
    True
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keelway.compose.project import Dependency

FOLDER = "/.keelway-tool"
BUSYBOX_PATH = f"{FOLDER}/busybox"
"""Where BusyBox is mounted; its name must be this, for it looks at what it is called by."""
SCRIPT_PATH = f"{FOLDER}/supervise"
BOARD_PATH = "/.keelway-board"
"""Where the board is mounted: a volume that all services of one run share."""
SEED_PATH = "/.keelway-seed"
"""Where what the image has in the place of a volume is mounted."""

_LIMITS = {
    "core": "-c", "cpu": "-t", "data": "-d", "fsize": "-f", "locks": "-w", "memlock": "-l",
    "nofile": "-n", "nproc": "-p", "rss": "-m", "rtprio": "-r", "stack": "-s",
}  # fmt: skip
KNOWN_LIMITS = frozenset(_LIMITS)
"""The names of `ulimits` that BusyBox's shell can set."""
_KIBIBYTES = frozenset({"data", "memlock", "rss", "stack"})
_BLOCKS = frozenset({"core", "fsize"})
_RT_MIN = 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A service's health check, every value decided."""

    command: tuple[str, ...]
    interval_s: float = 30.0
    timeout_s: float = 30.0
    retries: int = 3
    start_period_s: float = 0.0
    start_interval_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A new volume, and where what the image has in its place is to be seen."""

    target: str
    seed: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervised:
    """One service, as its supervisor has to know it."""

    name: str
    command: tuple[str, ...]
    account: str = "0:0"
    """The user as the image or the project says; empty is root."""
    own_home: bool = False
    """Whether HOME is set on purpose."""
    probe: Probe | None = None
    waits_for: Mapping[str, Dependency] = field(default_factory=dict[str, "Dependency"])
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    """Other services of the same networks, with further names of theirs."""
    stand_ins: Mapping[str, str] = field(default_factory=dict[str, str])
    """Which service is reached in the place of another one."""
    own_names: tuple[str, ...] = ()
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    """Names of `extra_hosts`, with their addresses."""
    restart: str = "no"
    """`no`, `always`, `on-failure` or `on-failure:N`."""
    stop_signal: str = "TERM"
    grace_s: float = 10.0
    stdin_open: bool = False
    no_new_privileges: bool = False
    read_only: bool = False
    offline: bool = False
    """Whether it has no network but its own loopback."""
    hostname: str | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict[str, str])
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, "tuple[int, int]"])
    fills: tuple[Fill, ...] = ()
    open_folders: Mapping[str, tuple[int, int, int]] = field(
        default_factory=dict[str, "tuple[int, int, int]"]
    )
    """Temporary file systems: mode, uid and gid by path."""
    start_limit_s: float = 120.0
    """How long it waits for others at most."""
    time_limit_s: float | None = None
    """How long its command may take, for tests."""
    results: tuple[str, ...] = ()
    """Files that are brought to the board when it ends, as shell patterns."""
    developed: bool = False
    """Whether it takes orders (`orders.sh`), and tells nobody but the board what it writes."""


def supervisor_script(service: Supervised) -> str:
    """Return the script that runs a service."""
    settings = "\n".join(f"{key}={shlex.quote(value)}" for key, value in _settings(service).items())
    functions = {
        "as_user_command": f"as_user {shlex.join(service.command)}",
        "as_user_health": f"as_user {shlex.join(service.probe.command)}" if service.probe else ":",
        "set_limits": _limits(service),
        "prepare": _prepare(service),
        "meet_all": "; ".join([":", *_meetings(service)]),
        "await_all": "; ".join([":", *_waits(service)]),
        "bring_results": "bring " + " ".join(map(_pattern, service.results)),
    }
    bodies = "\n".join(f"{name}() {{ {body}; }}" for name, body in functions.items())
    orders = script_text("orders.sh") if service.developed else "obey() { :; }\n"
    return f"{settings}\n{bodies}\n{words()}\n{orders}{script_text('supervisor.sh')}"


def words() -> str:
    """Return what the scripts of a run have in common."""
    return script_text("words.sh")


def script_text(name: str) -> str:
    """Return a script that lies beside this file."""
    return resources.files("keelway.stack").joinpath(name).read_text(encoding="utf-8")


def signal_name(text: str) -> str:
    """Return a signal as a shell's `kill -s` takes it.

    >>> signal_name("SIGINT"), signal_name("15"), signal_name("SIGRTMIN+3")
    ('INT', '15', '37')
    """
    name = text.upper().removeprefix("SIG")
    if name.startswith("RTMIN"):
        return str(_RT_MIN + int(name.removeprefix("RTMIN") or 0))
    return name


def _settings(service: Supervised) -> dict[str, str]:
    restart, _, most = service.restart.partition(":")
    probe = service.probe or Probe(command=())
    patience = probe.start_period_s + probe.retries * probe.interval_s
    return {
        "B": BUSYBOX_PATH,
        "script": SCRIPT_PATH,
        "board": BOARD_PATH,
        "me": service.name,
        "account": service.account or "0:0",
        "own_home": "yes" if service.own_home else "",
        "no_new_privileges": "yes" if service.no_new_privileges else "",
        "checked": "yes" if service.probe else "",
        "interval": _hundredths(probe.interval_s),
        "quick": _hundredths(min(probe.interval_s, probe.start_interval_s, 0.5)),
        "patience": _hundredths(patience),
        "retries": str(probe.retries),
        "probe_limit": str(max(round(probe.timeout_s), 1)),
        "restart": "always" if restart == "unless-stopped" else restart or "no",
        "restarts_at_most": most,
        "stop_signal": signal_name(service.stop_signal),
        "grace": _hundredths(service.grace_s),
        "input": "yes" if service.stdin_open else "",
        "quiet": "yes" if service.developed else "",
        "start_limit": _hundredths(service.start_limit_s),
        "time_limit": "" if service.time_limit_s is None else _hundredths(service.time_limit_s),
    }


def _hundredths(seconds: float) -> str:
    return str(round(seconds * 100))


def _meetings(service: Supervised) -> list[str]:
    own = shlex.quote(" ".join([service.name, *service.own_names]))
    lines = [f'echo "$address "{own} >>"$names"']
    for name, addresses in service.hosts.items():
        lines += [f'echo {shlex.quote(f"{one} {name}")} >>"$names"' for one in addresses]
    return lines + [
        f"meet {shlex.join([service.stand_ins.get(peer, peer), peer, *aliases])}"
        for peer, aliases in service.names.items()
    ]


def _waits(service: Supervised) -> list[str]:
    return [
        shlex.join(["await", name, wanted.condition.value, "yes" if wanted.required else "no"])
        for name, wanted in service.waits_for.items()
    ]


def _limits(service: Supervised) -> str:
    """Return what sets `ulimits`: the soft limit first, for it may not be above the hard one."""
    commands: list[str] = []
    for name, (soft, hard) in service.ulimits.items():
        if name in _LIMITS:
            for kind, value in (("-S", soft), ("-H", hard)):
                commands.append(f"ulimit {kind} {_LIMITS[name]} {_limit(name, value)}")
    return " && ".join(commands) or ":"


def _limit(name: str, value: int) -> str:
    if value < 0:
        return "unlimited"
    if name in _KIBIBYTES:
        return str(value // 1024)
    return str(value // 512) if name in _BLOCKS else str(value)


def _prepare(service: Supervised) -> str:
    """Return what is done before the service starts, as root."""
    lines = [":"]
    lines += [f"fill {shlex.join([one.target, one.seed, one.key])}" for one in service.fills]
    for path, (mode, uid, gid) in service.open_folders.items():
        lines.append(f'"$B" chown {uid}:{gid} {shlex.quote(path)}')
        lines.append(f'"$B" chmod {mode:04o} {shlex.quote(path)}')
    if service.hostname is not None:
        lines.append(
            f'"$B" hostname {shlex.quote(service.hostname)} || '
            'refuse "this engine does not let the host name be set"'
        )
    for key, value in service.sysctls.items():
        path = shlex.quote(f"/proc/sys/{key.replace('.', '/')}")
        lines.append(
            f"echo {shlex.quote(value)} >{path} || "
            f"refuse {shlex.quote(f'this engine does not let the sysctl {key} be set')}"
        )
    if service.offline:
        lines.append(_OFFLINE)
    if service.read_only:
        lines.append(_READ_ONLY)
    return "\n".join(lines)


_OFFLINE = """\
for card in /sys/class/net/*; do card=${card##*/}; [ "$card" = lo ] ||
  "$B" ip link set dev "$card" down || refuse "this engine does not let the network be cut"; done"""

_READ_ONLY = """\
"$B" mount -o remount,bind,ro / || refuse "the root cannot be made read-only here"
if ( : >/.keelway-writable ) 2>/dev/null; then refuse "the root stayed writable"; fi"""


def _pattern(text: str) -> str:
    """Return a path for the shell with everything quoted but `*` and `?`.

    >>> _pattern("my reports/*.xml")
    "'my reports/'*.xml"
    """
    parts: list[str] = []
    word = ""
    for character in text:
        if character in "*?":
            parts += [shlex.quote(word)] if word else []
            parts.append(character)
            word = ""
        else:
            word += character
    return "".join([*parts, *([shlex.quote(word)] if word else [])])

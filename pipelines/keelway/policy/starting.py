"""How an image is started to prove what it claims, and what came of it.

The script runs as root in a container made of the image, by a BusyBox mounted into it: it makes the
root read-only, drops to the image's own user without capabilities or new privileges, starts the
image's command and asks its health check. What it did is the first thing that it verifies.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BUSYBOX_PATH = "/.keelway-tool/busybox"
"""Where BusyBox is mounted; its name must be this, for it looks at what it is called by."""
STATE_PATH = "/.keelway-start"
"""A temporary directory for logs, closed to the image's user."""

NOT_HEALTHY = 10
"""Exit code of the script when the image did not pass."""
NOT_ENFORCED = 20
"""Exit code of the script when the engine does not let it take rights away."""

State = Literal["healthy", "running", "finished", "ended", "unhealthy", "unenforced"]

_SECOND_NS = 1_000_000_000
_EMULATED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSpec:
    """How one image is started."""

    enabled: bool = True
    tmpfs: tuple[str, ...] = ("/tmp",)  # noqa: S108 - a path in a container
    """Directories that may be written to."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    arguments: tuple[str, ...] | None = None
    """In place of the image's own CMD."""
    healthcheck: tuple[str, ...] | None = None
    """In place of the image's own HEALTHCHECK."""
    timeout_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A health check."""

    command: tuple[str, ...]
    interval_s: float = 1
    timeout_s: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What came of it."""

    state: State
    code: int | None
    """The exit code of the image's command, if it ended."""
    seconds: int
    health: str
    """What the health check said last."""
    log: str
    """What the image's command said."""

    @property
    def passed(self) -> bool:
        """Whether the image does what it claims."""
        return self.state in {"healthy", "running", "finished"}


def health_of(config: Mapping[str, Any]) -> Health | None:
    """Return the HEALTHCHECK of an image's configuration; nothing when it has none.

    >>> health_of({"Healthcheck": {"Test": ["CMD", "ping"], "Interval": 10_000_000_000}})
    Health(command=('ping',), interval_s=1.0, timeout_s=30)
    >>> health_of({"Healthcheck": {"Test": ["NONE"]}}) is None
    True
    """
    check = cast("Mapping[str, Any]", config.get("Healthcheck") or {})
    kind, *words = cast("Sequence[str]", check.get("Test") or ["NONE"])
    if kind == "NONE" or not words:
        return None
    if kind == "CMD-SHELL":
        words = [*(config.get("Shell") or ("/bin/sh", "-c")), *words]
    # While an image starts nobody waits for the long interval that it has in production.
    interval = (check.get("StartInterval") or check.get("Interval") or 0) / _SECOND_NS or 1.0
    timeout = (check.get("Timeout") or 0) // _SECOND_NS or 30
    return Health(command=tuple(words), interval_s=min(interval, 1.0), timeout_s=max(timeout, 1))


def objection(config: Mapping[str, Any], spec: StartSpec) -> str | None:
    """Return why an image cannot be started so, nothing when it can."""
    from keelway.policy.dockerfile_rules import is_root  # noqa: PLC0415 - not for a plan

    if not spec.enabled:
        return "policy.images start.enabled is false"
    if is_root(str(config.get("User") or "")):
        return "it runs as root, which is not started without capabilities: see user-not-root"
    return None


def start_script(config: Mapping[str, Any], spec: StartSpec, *, machine: str) -> str | None:
    """Return the script; nothing when the image has no command.

    Args:
        config: The part `config` of the image's configuration.
        spec: How it is started.
        machine: `x86_64` or `aarch64`, as the image's programs need it; where the machine is
            another one they are emulated, and every time limit is longer.
    """
    arguments = config.get("Cmd") if spec.arguments is None else spec.arguments
    command = (*(config.get("Entrypoint") or ()), *(arguments or ()))
    if not command:
        return None
    health = health_of(config)
    if spec.healthcheck is not None:
        health = Health(command=spec.healthcheck)
    names = {pair.partition("=")[0] for pair in cast("Sequence[str]", config.get("Env") or ())}
    settings = {
        "B": BUSYBOX_PATH,
        "D": STATE_PATH,
        "account": str(config["User"]),
        "limit": str(spec.timeout_s),
        "interval": str(health.interval_s if health else 1.0),
        "probe_limit": str(health.timeout_s if health else 0),
        "machine": machine,
        "own_home": "yes" if "HOME" in {*names, *spec.environment} else "",
        "checked": "yes" if health else "",
    }
    return _SCRIPT.format(
        settings="\n".join(f"{name}={shlex.quote(value)}" for name, value in settings.items()),
        open_tmpfs=" ".join(shlex.quote(path) for path in spec.tmpfs),
        slower=_EMULATED,
        command=shlex.join(command),
        health=shlex.join(health.command) if health else ":",
        not_healthy=NOT_HEALTHY,
        not_enforced=NOT_ENFORCED,
    )


# Only the shell's own words and "$B APPLET": the image may have no program at all.
_SCRIPT = """\
{settings}
say() {{
  echo "state=$1"; echo "code=$ended"; echo "seconds=$(($(now) - began))"
  echo "== health"; [ ! -f "$D/health" ] || "$B" tail -c 4000 "$D/health"; echo
  echo "== log"; [ ! -f "$D/log" ] || "$B" tail -c 20000 "$D/log"; echo
  echo "== end"
  exit "$2"
}}
now() {{ read -r up _ </proc/uptime; echo "${{up%%.*}}"; }}
refuse() {{ echo "$1" >"$D/log"; say unenforced {not_enforced}; }}
began=$(now); ended=
"$B" chmod 0700 "$D"
# The image's user may open its own output again by /dev/stdout, as it could elsewhere.
: >"$D/log"; : >"$D/health"; "$B" chmod 0666 "$D/log" "$D/health"
for path in {open_tmpfs}; do "$B" chmod 1777 "$path"; done

# Who it is: names and numbers as in the image's own accounts.
name=${{account%%:*}}; group=; case $account in *:*) group=${{account#*:}} ;; esac
entry=; [ ! -f /etc/passwd ] || entry=$("$B" awk -F: -v n="$name" \
'$1 == n || $3 == n {{ print $3 ":" $4 ":" $6; exit }}' /etc/passwd)
case $name in *[!0-9]*) uid=${{entry%%:*}} ;; *) uid=$name ;; esac
[ -n "$uid" ] || {{ echo "the image has no user $name" >"$D/log"; say ended {not_healthy}; }}
rest=${{entry#*:}}; gid=${{rest%%:*}}; home=${{rest#*:}}
case $group in
  '') ;;
  *[!0-9]*) gid=$("$B" awk -F: -v n="$group" '$1 == n {{ print $3; exit }}' /etc/group)
    [ -n "$gid" ] || {{
      echo "the image has no group $group" >"$D/log"; say ended {not_healthy}
    }} ;;
  *) gid=$group ;;
esac
[ -n "$own_home" ] || export HOME="${{home:-/}}"

"$B" mount -o remount,bind,ro / || refuse "the root cannot be made read-only here"
if ( : >/.keelway-writable ) 2>/dev/null; then refuse "the root stayed writable"; fi
drop="$B setpriv --nnp $B nsenter -G ${{gid:-0}} -S $uid"
rights=$($drop "$B" awk '/^(Cap(Prm|Eff|Amb)|NoNewPrivs|Uid):/ {{ printf "%s ", $2 }}' \
/proc/self/status)
[ "$rights" = "$uid 0000000000000000 0000000000000000 0000000000000000 1 " ] ||
  refuse "rights could not be taken away: $rights"

# A name is looked for as the image would: BusyBox would take its own program of that name.
as_user() {{
  program=$1; shift
  case $program in
    */*) ;;
    *) rest=$PATH:
      while [ -n "$rest" ]; do
        folder=${{rest%%:*}}; rest=${{rest#*:}}
        if [ -f "$folder/$program" ] && [ -x "$folder/$program" ]; then
          program=$folder/$program; break
        fi
      done ;;
  esac
  exec $limited $drop "$program" "$@"
}}
slower=1; [ "$("$B" uname -m)" = "$machine" ] || slower={slower}
settle=$((2 * slower)); limit=$((limit * slower)); probe_limit=$((probe_limit * slower))

( limited=; ( as_user {command} ) >>"$D/log" 2>&1 </dev/null; echo $? >"$D/code.new"
  "$B" mv "$D/code.new" "$D/code" ) &
probe() {{
  ( limited="$B timeout -s KILL $probe_limit"; as_user {health} ) >"$D/health" 2>&1 </dev/null
}}
look() {{ [ ! -f "$D/code" ] || read -r ended <"$D/code"; }}
while :; do
  look
  [ "${{ended:-0}}" = 0 ] || say ended {not_healthy}
  if [ -n "$checked" ]; then
    # A check that asks for little passes before the image had time to break.
    if probe; then
      [ -n "$ended" ] || "$B" sleep "$settle"
      look
      [ "${{ended:-0}}" = 0 ] || say ended {not_healthy}
      say healthy 0
    fi
    [ -z "$ended" ] || say ended {not_healthy}
  elif [ -n "$ended" ]; then say finished 0
  elif [ $(($(now) - began)) -ge $((settle + 1)) ]; then say running 0
  fi
  [ $(($(now) - began)) -lt "$limit" ] || say unhealthy {not_healthy}
  "$B" sleep "$interval"
done
"""


def parse_started(text: str) -> Started:
    """Return what the script told.

    Raises:
        ValueError: It is not what the script writes.
    """
    head, _, rest = text.partition("== health\n")
    health, _, rest = rest.partition("\n== log\n")
    log, found, _ = rest.rpartition("\n== end")
    told = dict(line.split("=", 1) for line in head.splitlines() if "=" in line)
    state = told.get("state", "")
    if not found or state not in get_args(State):
        raise ValueError("the script that starts images did not come to its end")
    return Started(
        state=cast("State", state),
        code=int(told["code"]) if told.get("code") else None,
        seconds=int(told.get("seconds") or 0),
        health=health.strip(),
        log=log.strip(),
    )


def unenforced(reason: str) -> Started:
    """Return what came of it where the engine does not even run the script.

    >>> unenforced("it may not").passed
    False
    """
    return Started(state="unenforced", code=None, seconds=0, health="", log=reason)


def told(started: Started, spec: StartSpec) -> str:
    """Return what came of it, as one sentence."""
    how = "with its own user, a read-only root and no capabilities"
    match started.state:
        case "healthy":
            return f"healthy after {started.seconds} s {how}"
        case "running":
            return f"runs {how}; it has no health check to ask"
        case "finished":
            return f"ran to its end {how}"
        case "ended":
            code = "" if started.code is None else f" with exit code {started.code}"
            return f"started {how} it ended{code}"
        case "unhealthy":
            return f"started {how} it did not become healthy in {spec.timeout_s} s"
        case "unenforced":
            return f"this engine cannot start it {how}: {started.log}"

"""The script that starts an image and sees what it does.

It runs as root in a container made of the image, by a BusyBox mounted into it: it makes the root
read-only, drops to the image's own user without capabilities or new privileges, starts the image's
command and asks its health check. Once that passes it stops the image as an engine would, and asks
the check again, which must notice. What it did is the first thing that it verifies.

Where programs are emulated a check may cost as much as the image's own start, and takes it from
that: there it is asked when the image's threads have come to rest and it listens somewhere, or
after a while.
"""

from __future__ import annotations

import shlex
import signal
from typing import TYPE_CHECKING, Any, cast

from keelway.policy.starting import (
    BUSYBOX_PATH,
    EMULATED,
    NOT_ENFORCED,
    NOT_HEALTHY,
    STATE_PATH,
    Health,
    health_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keelway.policy.starting import StartSpec

_FIRST_REAL_TIME = 34
_PATIENCE_S = 10
"""How long an emulated health check is put off at most while the image computes."""


def stop_signal(config: Mapping[str, Any]) -> int:
    """Return the number of the signal that stops an image: its STOPSIGNAL, else SIGTERM.

    >>> stop_signal({}), stop_signal({"StopSignal": "SIGQUIT"}), stop_signal({"StopSignal": "2"})
    (15, 3, 2)
    >>> stop_signal({"StopSignal": "RTMIN+3"})
    37
    """
    name = str(config.get("StopSignal") or "SIGTERM").upper().removeprefix("SIG")
    if name.isdigit():
        return int(name)
    real_time, _, offset = name.partition("+")
    if real_time == "RTMIN":
        return _FIRST_REAL_TIME + int(offset or 0)
    known = signal.Signals.__members__.get(f"SIG{name}")
    return int(signal.SIGTERM if known is None else known)


def start_script(
    config: Mapping[str, Any], spec: StartSpec, *, machine: str, proves: bool = True
) -> str | None:
    """Return the script; nothing when the image has no command.

    Args:
        config: The part `config` of the image's configuration.
        spec: How it is started.
        machine: `x86_64` or `aarch64`, as the image's programs need it; where the machine is
            another one they are emulated, and every time limit is longer.
        proves: Whether a healthy image is stopped, and its check asked again.
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
        # Of another check than the image's own there is nothing declared.
        "proved": "yes" if proves and health and spec.healthcheck is None else "",
        "signal": str(stop_signal(config)),
        "grace": str(spec.stop_grace_s * 100),
        "allowed": str(round(health.allowed_s * 100) if health else 0),
        "notice": str(round(min(health.notice_s, spec.notice_s) * 100) if health else 0),
    }
    return _SCRIPT.format(
        settings="\n".join(f"{name}={shlex.quote(value)}" for name, value in settings.items()),
        open_tmpfs=" ".join(shlex.quote(path) for path in spec.tmpfs),
        slower=EMULATED,
        patience=_PATIENCE_S * 100,
        command=shlex.join(command),
        health=shlex.join(health.command) if health else ":",
        not_healthy=NOT_HEALTHY,
        not_enforced=NOT_ENFORCED,
    )


# Only the shell's own words and "$B APPLET": the image may have no program at all.
_SCRIPT = """\
{settings}
say() {{
  echo "state=$1"; echo "code=$ended"; echo "ms=$(((${{healthy:-$(now)}} - began) * 10))"
  echo "emulated=$emulated"; echo "memory_kb=$memory"; echo "in_time=$in_time"
  echo "handled=$handled"; echo "stop_ms=$stopped"; echo "notice_ms=$noticed"
  echo "== health"; [ ! -f "$D/health" ] || "$B" tail -c 4000 "$D/health"; echo
  echo "== log"; [ ! -f "$D/log" ] || "$B" tail -c 20000 "$D/log"; echo
  echo "== end"
  [ ! -f "$D/runner" ] || {{
    gone; read -r runner <"$D/runner"; "$B" kill -KILL "$runner" 2>/dev/null
  }}
  exit "$2"
}}
# In hundredths of a second.
now() {{ read -r up _ </proc/uptime; echo "${{up%%.*}}${{up##*.}}"; }}
refuse() {{ echo "$1" >"$D/log"; say unenforced {not_enforced}; }}
began=$(now)
ended=; healthy=; heard=; emulated=; memory=; in_time=; handled=; stopped=; noticed=
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
slower=1; [ "$("$B" uname -m)" = "$machine" ] || {{ slower={slower}; emulated=yes; }}
settle=200; settle_limit=$((settle * slower))
limit=$((limit * slower)); probe_limit=$((probe_limit * slower))
allowed=$((allowed * slower)); notice=$((notice * slower)); grace=$((grace * slower))
patience=$((allowed / 3)); [ "$patience" -lt {patience} ] || patience={patience}

# Not in the background: there a shell has its children ignore some signals for good.
main() {{
  read -r runner _ </proc/self/stat; echo "$runner" >"$D/runner"
  ( limited=; read -r pid _ </proc/self/stat; echo "$pid" >"$D/pid"; as_user {command} ) \
>>"$D/log" 2>&1 </dev/null
  echo $? >"$D/code.new"; "$B" mv "$D/code.new" "$D/code"
}}
probe() {{
  ( limited="$B timeout -s KILL $probe_limit"; as_user {health} ) >"$D/health" 2>&1 </dev/null
}}
look() {{ [ ! -f "$D/code" ] || read -r ended <"$D/code"; }}
# All that runs as the image's user; what it started lives no longer than its first process.
gone() {{ ( $drop "$B" kill -KILL -1 ) 2>/dev/null; }}
since() {{ echo "$(($(now) - $1))"; }}
field() {{ "$B" awk -v name="$1:" '$1 == name {{ print $2 }}' "/proc/$pid/status"; }}
peak() {{
  "$B" awk -v uid="$uid" '$1 == "Uid:" {{ own = $2 == uid }}
$1 == "VmHWM:" && own {{ sum += $2 }} END {{ print sum + 0 }}' /proc/[0-9]*/status 2>/dev/null
}}
# Whether it runs, and no thread computes, waits for its turn to, or for a disk.
rests() {{
  "$B" awk -v uid="$uid" '$1 == "State:" {{ state = $2 }}
$1 == "Uid:" && $2 == uid {{ runs = 1; if (state ~ /[RD]/) busy = 1 }}
END {{ exit !(runs && !busy) }}' /proc/[0-9]*/task/[0-9]*/status 2>/dev/null
}}
listeners() {{
  "$B" cat /proc/net/tcp /proc/net/tcp6 /proc/net/unix 2>/dev/null |
    "$B" awk '$4 == "0A" {{ print $2 }} $4 == "00010000" {{ print $7 }}'
}}
# Emulated, it is left alone for so many hundredths of a second at most: until it rests, and
# listens where it did not when it was asked last, or rests for two seconds.
leave_alone() {{
  [ -n "$emulated" ] || return 0
  left=$(now); calm=0
  while [ "$calm" -lt 10 ] && [ "$(since "$left")" -lt "$1" ]; do
    look; [ -z "$ended" ] || return 0
    "$B" usleep 200000
    if rests; then calm=$((calm + 1)); else calm=0; fi
    [ "$calm" -lt 2 ] || [ "$(listeners)" = "$heard" ] || return 0
  done
}}

# It is healthy: how it stops, and whether its check notices that it is gone.
prove() {{
  memory=$(peak); read -r pid <"$D/pid"
  [ "$((healthy - began))" -gt "$allowed" ] || in_time=yes
  # The first process of a container gets no signal that it has no handler for; tini and its like
  # wait for blocked ones. Real-time signals are not looked for.
  caught=$(field SigCgt); blocked=$(field SigBlk)
  if [ "$signal" -gt 31 ] ||
    [ "$((((0x${{caught#????????}} | 0x${{blocked#????????}}) >> (signal - 1)) & 1))" = 1 ]
  then
    handled=yes; sent=$(now)
    "$B" kill "-$signal" "$pid"
    while look; [ -z "$ended" ] && [ "$(since "$sent")" -lt "$grace" ]; do "$B" usleep 50000; done
    [ -z "$ended" ] || stopped=$(($(since "$sent") * 10))
  fi
  gone; broke=$(now)
  while :; do
    probe || {{ noticed=$(($(since "$broke") * 10)); return; }}
    [ "$(since "$broke")" -lt "$notice" ] || return
    "$B" sleep "$interval"
  done
}}
supervise() {{
  while :; do
    look
    [ "${{ended:-0}}" = 0 ] || say ended {not_healthy}
    if [ -n "$checked" ]; then
      # In the second half of the time that the image declares it is asked all the time.
      [ "$(since "$began")" -ge "$((allowed / 2))" ] || leave_alone "$patience"
      heard=$(listeners)
      if probe; then
        healthy=$(now); passed
      fi
      [ -z "$ended" ] || say ended {not_healthy}
    elif [ -n "$ended" ]; then say finished 0
    elif [ "$(since "$began")" -ge "$((settle_limit + 100))" ]; then say running 0
    fi
    [ "$(since "$began")" -lt "$((limit * 100))" ] || say unhealthy {not_healthy}
    "$B" sleep "$interval"
  done
}}
passed() {{
  # A check that asks for little passes before the image had time to break.
  rest=$((settle - (healthy - began))); [ "$rest" -ge 50 ] || rest=50
  if [ -z "$ended" ]; then
    "$B" usleep "$((rest * 10000))"
    heard=none; leave_alone "$((settle_limit - (healthy - began) - rest))"
  fi
  look
  [ "${{ended:-0}}" = 0 ] || say ended {not_healthy}
  if [ -z "$proved" ] || [ -n "$ended" ]; then say healthy 0; fi
  prove
  [ -n "$in_time" ] && [ -n "$stopped" ] && [ -n "$noticed" ] && say healthy 0
  say healthy {not_healthy}
}}
main | supervise
"""

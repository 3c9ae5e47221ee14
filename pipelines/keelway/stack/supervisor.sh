# Runs one service of a compose project, by BusyBox alone: the image may have no program at all.
#
# Only the shell's own words, those of `words.sh`, and "$B APPLET" are used. What happens to the
# service is written to its folder on the board, a volume that all services of one run share:
#   address   where it is                     state   what it has come to, one word
#   why       what there is to say of that    code    the exit code of its command
#   log       all it wrote                    health  what its health check said
#   events    what happened, with the machine's uptime in hundredths of seconds
# A file is there whole or not at all. The supervisor outlives the service, so that no engine takes
# a service that ended for one whose tests must be stopped; it ends when it is told to (SIGTERM).

D=$board/$me
tell() { now; echo "$now $*" >>"$D/events"; }
become() { state=$1; shift; put why "$*"; put state "$state"; tell "$state${*:+: $*}"; }

# Who the service is: names and numbers as in the image's own accounts.
name=${account%%:*}; group=; case $account in *:*) group=${account#*:} ;; esac
entry=; [ ! -f /etc/passwd ] || entry=$("$B" awk -F: -v n="$name" \
  '$1 == n || $3 == n { print $3 ":" $4 ":" $6; exit }' /etc/passwd)
case $name in *[!0-9]*) uid=${entry%%:*} ;; *) uid=$name ;; esac
rest=${entry#*:}; gid=${rest%%:*}; home=${rest#*:}; missing=
[ -n "$uid" ] || missing="the image has no user $name"
case $group in
  '') ;;
  *[!0-9]*) gid=$("$B" awk -F: -v n="$group" '$1 == n { print $3; exit }' /etc/group)
    [ -n "$gid" ] || missing="the image has no group $group" ;;
  *) gid=$group ;;
esac
[ -n "$own_home" ] || export HOME="${home:-/}"
drop=
[ "$uid:${gid:-0}" = 0:0 ] || drop="$B nsenter -G ${gid:-0} -S $uid"
[ -z "$no_new_privileges" ] || drop="$B setpriv --nnp $drop"

# A name is looked for as the image would: BusyBox would take its own program of that name.
as_user() {
  program=$1; shift
  case $program in
    */*) ;;
    *) rest=$PATH:
      while [ -n "$rest" ]; do
        folder=${rest%%:*}; rest=${rest#*:}
        if [ -f "$folder/$program" ] && [ -x "$folder/$program" ]; then
          program=$folder/$program; break
        fi
      done ;;
  esac
  case $program in */*) ;; *) echo "there is no program $program in the image" >&2; exit 127 ;; esac
  exec $limited $drop "$program" "$@"
}

# --- the command, in a process of its own whose signals nobody touched ----------------------------
# A shell's background jobs ignore SIGINT for ever, and some services are stopped by it.
if [ "${1:-}" = launch ]; then
  read -r here <"$D/folder"; cd "$here" || exit 126
  read -r _ _ _ _ leader _ </proc/self/stat; put group "$leader"
  get "$D/input"; input=${got:-/dev/null}
  (
    read -r own _ </proc/self/stat; put pid "$own"
    limited=; set_limits || exit 126
    as_user_command
  ) >"$D/pipe" 2>&1 <>"$input"
  put code $?
  exit 0
fi

launch() {
  "$B" rm -f "$D/code" "$D/pid" "$D/group" "$D/drained"
  if [ ! -p "$D/pipe" ]; then
    # The service may open its own output again by /dev/stdout, as it could elsewhere.
    "$B" mkfifo -m 0600 "$D/pipe"; "$B" chown "$uid:${gid:-0}" "$D/pipe"
  fi
  (
    if [ -n "$quiet" ]; then "$B" cat <"$D/pipe" >>"$D/log"; else "$B" tee -a "$D/log" <"$D/pipe"; fi
    put drained 1
  ) &
  # The pid file that is never there keeps it from looking for another program of that name.
  "$B" start-stop-daemon -S -q -b -p "$D/never" -x "$B" -- sh "$script" launch
  now; launched=$now; failing=0; probing=; next=$now
  if [ -n "$checked" ]; then become starting; else become running; fi
}

# --- its health -----------------------------------------------------------------------------------
probe() {
  "$B" rm -f "$D/probe.code"
  (
    ( limited="$B timeout -s KILL $probe_limit"; as_user_health ) >"$D/probe.out" 2>&1 </dev/null
    put probe.code $?
  ) &
  probing=1
}
heard() {
  get "$D/probe.code"; said=$got; probing=; now
  { echo "$now exit code $said"; "$B" tail -c 2000 "$D/probe.out"; echo; } >>"$D/health"
  next=$((now + interval))
  if [ "$said" = 0 ]; then
    failing=0
    [ "$state" = healthy ] || become healthy
    return
  fi
  failing=$((failing + 1))
  case $state in
    healthy) [ "$failing" -lt "$retries" ] || become unhealthy "$failing checks failed in a row" ;;
    starting)
      # While it starts nobody waits for the long interval, but it has all the time it declares.
      next=$((now + quick))
      [ "$now" -lt $((launched + patience)) ] ||
        become unhealthy "not healthy after $(((now - launched) / 100)) s, $failing checks failed" ;;
  esac
}
health() {
  if [ -n "$probing" ]; then [ ! -f "$D/probe.code" ] || heard; return; fi
  now; [ "$now" -lt "$next" ] || probe
}

# --- its end --------------------------------------------------------------------------------------
end_group() { get "$D/group"; [ -z "$got" ] || kill -KILL -- "-$got" 2>/dev/null || :; }
drain() {
  for turn in 1 2 3 4 5 6 7 8 9 10; do [ ! -f "$D/drained" ] || break; pause; done
  end_group
  for turn in 1 2 3 4 5 6 7 8 9 10; do [ ! -f "$D/drained" ] || break; pause; done
}
# Asks it to end, and ends it when its time is over.
quit() {
  now; last=$((now + $2))
  while [ ! -f "$D/pid" ] && [ ! -f "$D/code" ] && [ "$now" -lt "$last" ]; do pause; now; done
  get "$D/pid"; [ -z "$got" ] || kill -s "$1" "$got" 2>/dev/null || :
  while [ ! -f "$D/code" ] && [ "$now" -lt "$last" ]; do pause; now; done
  if [ ! -f "$D/code" ]; then
    tell "did not end by $1 in $(($2 / 100)) s, killed"
    get "$D/pid"; [ -z "$got" ] || kill -KILL "$got" 2>/dev/null || :
    for turn in 1 2 3 4 5 6 7 8 9 10; do [ ! -f "$D/code" ] || break; pause; done
  fi
  drain
}
finish() {
  [ "$fault" != pause ] || signal CONT
  case ${state:-waiting} in
    running|starting|healthy|unhealthy)
      before=$state; put before "$before"
      get "$board/.grace"; quit "$stop_signal" "${got:-$grace}"
      get "$D/code"; put stopped "${got:-unknown}"; tell "stopped, exit code ${got:-unknown}" ;;
  esac
  exit 0
}
idle() {
  while [ -z "$stopping" ]; do
    obey
    [ -z "$relaunched" ] || { relaunched=; return; }
    pause
  done
  finish
}

# What the tests wrote is brought to where it is read from.
bring() {
  "$B" mkdir -p "$D/results"; number=0
  for path in "$@"; do
    [ -f "$path" ] || continue
    number=$((number + 1)); "$B" cp "$path" "$D/results/$number.xml"
  done
}
ended() {
  get "$D/code"; code=$got; drain
  bring_results
  again=
  if [ -z "$stopping" ]; then
    case $restart in
      always) again=1 ;;
      on-failure) [ "$code" = 0 ] || again=1 ;;
    esac
    [ -z "$restarts_at_most" ] || [ "$restarts" -lt "$restarts_at_most" ] || again=
  fi
  if [ -z "$again" ]; then become exited "$over"; idle; return; fi
  restarts=$((restarts + 1)); put restarts "$restarts"
  become restarting "it ended with exit code $code"
  now; back=$((now + backoff))
  [ $((now - launched)) -lt 1000 ] || backoff=10
  backoff=$((backoff * 2)); [ "$backoff" -le 1000 ] || backoff=1000
  while [ "$now" -lt "$back" ]; do [ -z "$stopping" ] || finish; pause; now; done
  launch
}

# --- the fault that an experiment asks for: one word in the file `fault` --------------------------
signal() { get "$D/pid"; [ -z "$got" ] || kill -s "$1" "$got" $(below "$got") 2>/dev/null || :; }
suffer() {
  get "$D/fault"; [ "$got" != "$fault" ] || return 0
  over_with=$fault; fault=$got
  case $over_with/$fault in
    none/kill)
      signal KILL
      for turn in 1 2 3 4 5 6 7 8 9 10; do [ ! -f "$D/code" ] || break; pause; done
      drain; become killed "by the experiment" ;;
    none/stop) quit "$stop_signal" "$grace"; become stopped "by the experiment" ;;
    none/restart) quit "$stop_signal" "$grace"; tell "restarted by the experiment"; launch ;;
    none/pause) signal STOP; tell "paused by the experiment" ;;
    kill/none|stop/none) tell "started again"; launch ;;
    pause/none) signal CONT; tell "goes on" ;;
  esac
  put suffered "$fault"
}

# --- what it waits for ----------------------------------------------------------------------------
# await SERVICE CONDITION REQUIRED
await() {
  [ -f "$board/$1/state" ] || tell "waits for $1"
  while :; do
    get "$board/$1/code"; theirs=$got; get "$board/$1/why"; their_why=$got
    get "$board/$1/state"; because=
    case $2/$got in
      service_started/running|service_started/starting|service_started/healthy) return ;;
      service_started/unhealthy|service_started/exited|service_started/restarting) return ;;
      service_healthy/healthy) return ;;
      service_healthy/exited) because="it ended with exit code $theirs before it was healthy" ;;
      service_healthy/unhealthy) because="it is unhealthy ($their_why)" ;;
      service_completed_successfully/exited)
        [ "$theirs" != 0 ] || return
        because="it ended with exit code $theirs" ;;
      */blocked) because="it could not be started itself ($their_why)" ;;
    esac
    now; [ "$now" -lt "$deadline" ] ||
      because="${because:-it was still ${got:-absent} after $((start_limit / 100)) s}"
    [ -z "$because" ] || break
    [ -z "$stopping" ] || finish
    pause
  done
  if [ "$3" = yes ]; then become blocked "$1: $because"; idle; fi
  tell "goes on without $1: $because"
}
# Names of those in the same networks, as soon as all of them are there.
# meet PLACE NAME...: the names lead to where PLACE is.
meet() {
  place=$1; shift
  while [ ! -f "$board/$place/address" ]; do
    [ -z "$stopping" ] || finish
    now; [ "$now" -lt "$deadline" ] || { tell "$place never came"; return; }
    pause
  done
  read -r where <"$board/$place/address"; echo "$where $*" >>"$names"
}
# fill VOLUME SEED KEY: a new volume gets what the image has there, the folder's owner and mode too.
fill() {
  if "$B" mkdir "$board/.filling-$3" 2>/dev/null; then
    # One that outlives its run has been filled before.
    if [ -d "$2" ] && [ -z "$("$B" ls -A "$1")" ]; then
      "$B" cp -a "$2/." "$1/"
      "$B" chown "$("$B" stat -c %u:%g "$2")" "$1"; "$B" chmod "$("$B" stat -c %a "$2")" "$1"
    fi
    echo 1 >"$board/.filled-$3"
  fi
  while [ ! -f "$board/.filled-$3" ]; do [ -z "$stopping" ] || finish; pause; done
}
refuse() { become blocked "$1"; idle; }

"$B" chmod 0700 "$board"; "$B" mkdir -p "$D"; : >>"$D/log"; : >"$D/health"; : >"$D/events"
stopping=; trap 'stopping=1' TERM INT
state=; fault=none; restarts=0; backoff=10; over=; relaunched=; now; began=$now; deadline=$((now + start_limit))
put folder "$PWD"
address=
for word in $("$B" ip -4 -o addr show 2>/dev/null); do
  case $word in
    127.*) ;;
    [0-9]*.*.*.*/*) address=${word%/*}; break ;;
  esac
done
address=${address:-127.0.0.1}; put address "$address"
become waiting
[ -z "$missing" ] || refuse "$missing"
[ -z "$input" ] || { "$B" mkfifo -m 0600 "$D/in"; put input "$D/in"; }
prepare
names=$D/names; : >"$names"
meet_all
if ! "$B" cat "$names" >>/etc/hosts 2>/dev/null; then
  "$B" cat /etc/hosts "$names" >"$D/hosts"; "$B" chmod 0644 "$D/hosts"
  "$B" mount -o bind "$D/hosts" /etc/hosts 2>/dev/null ||
    refuse "this engine does not let the names of other services be written to /etc/hosts"
fi
await_all
[ -z "$stopping" ] || finish
launch
while :; do
  [ -z "$stopping" ] || finish
  [ ! -f "$D/fault" ] || suffer
  case $state in killed|stopped) pause; continue ;; esac
  if [ -f "$D/code" ]; then ended; continue; fi
  [ -z "$checked" ] || health
  obey
  if [ -n "$time_limit" ]; then
    now
    if [ "$now" -ge $((launched + time_limit)) ]; then
      over="not finished after $((time_limit / 100)) s"; restart=no
      tell "$over"; quit TERM 500
    fi
  fi
  pause
done

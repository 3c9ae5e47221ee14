# One experiment: the steady state, the fault, and how long it takes until all is well again.
#
# It runs beside the services, by BusyBox alone, and asks the supervisor of the service that is hurt
# by the file `fault` in its folder on the board, and the one that stands in for it by `link`.
# What was seen is written to the record, for others to judge; moments are the machine's uptime in
# hundredths of seconds:
#   answer PHASE MOMENT DURATION PROBE STATUS [REASON]     one answer; status 0 is none
#   mark MOMENT WHAT [WORDS]                               what the experiment has come to

D=$board/$hit
tell() { now; since=$((now - began)); printf '%d.%02d s: %s\n' $((since / 100)) $((since % 100)) "$*"; }
mark() { now; echo "mark $now $*" >>"$record"; tell "$*"; }

# ask PROBE LEAST MOST URL: one answer, well or not.
ask() {
  now; asked=$now
  "$B" timeout -s KILL "$limit" "$B" wget -q -S -Y off -O /dev/null "$4" >"$said" 2>&1; code=$?
  status=0; reason=
  while read -r first second rest; do
    case $first in
      HTTP/*) [ "$status" != 0 ] || status=$second ;;
      wget:) reason="$second $rest" ;;
    esac
  done <"$said"
  if [ "$code" != 0 ]; then
    [ "$code" -lt 128 ] || reason="not answered in $limit s"
    case $status in 2??) status=0 ;; esac # it began to answer, and did not end
  fi
  [ "$status" = 0 ] || reason=
  now; echo "answer $phase $asked $((now - asked)) $1 $status $reason" >>"$record"
  eval "was=\${status_$1:-}; status_$1=\$status"
  [ "$status" = "$was" ] || tell "$4: $status${reason:+ $reason}"
  [ "$status" -ge "$2" ] && [ "$status" -le "$3" ] || well=
}
round() { well=yes; ask_all; }

now; began=$now; phase=steady; good=0
while :; do
  round
  if [ -n "$well" ]; then good=$((good + 1)); else good=0; fi
  [ "$good" -lt 3 ] || break
  now; [ "$now" -lt $((began + steady_limit)) ] || { mark unsteady; exit 0; }
  pause
done
get "$D/state"
case $got in running|healthy|unhealthy|starting) ;; *) mark impossible "$hit is $got"; exit 0 ;; esac

mark steady; phase=fault; injected=
now; asked_for=$now
case $fault in
  partition|latency) put link "$fault $late" ;;
  *) put fault "$fault" ;;
esac
while :; do
  if [ -z "$injected" ]; then
    case $fault in partition|latency) got=$fault ;; *) get "$D/suffered" ;; esac
    now
    if [ "$got" = "$fault" ]; then
      injected=$now; mark injected
    elif [ "$now" -ge $((asked_for + inject_limit)) ]; then
      get "$D/state"; mark impossible "$hit is $got, and not hurt after $((inject_limit / 100)) s"
      exit 0
    fi
  fi
  round
  now; [ -z "$injected" ] || [ "$now" -lt $((injected + duration)) ] || break
  pause
done

phase=after; good=0
case $fault in
  partition|latency) "$B" rm "$D/link" ;;
  *) put fault none ;;
esac
mark over; over=$now
while :; do
  round
  if [ -n "$well" ]; then
    [ "$good" != 0 ] || { now; again=$now; }
    good=$((good + 1))
  else
    good=0
  fi
  [ "$good" -lt 2 ] || { mark recovered $((again - over)); exit 0; }
  now; [ "$good" != 0 ] || [ "$now" -lt $((over + within)) ] || { mark lost; exit 0; }
  pause
done

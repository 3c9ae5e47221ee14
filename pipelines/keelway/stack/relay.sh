# Stands in for a service whose network an experiment cuts or delays, by BusyBox alone.
#
#   listen NAME SERVICE PORT...    take connections, as the service does
#   pass NAME SERVICE PORT         one of them, which is standard input and output
#
# The file `link` in the service's folder on the board says how its network is: absent when all is
# well, else `partition`, or `latency` and hundredths of a second. A piece of data that came is kept
# until it may go on: nothing is lost and nothing changes its order, as in a network that heals
# before the connection is given up. What the service sends is late, what it is sent is not.

what=$1; me=$2; service=$3; shift 3
D=$board/$me; link=$board/$service/link
heed() {
  while :; do
    how=; late=0; [ ! -f "$link" ] || read -r how late <"$link" || :
    [ "$how" = partition ] || return 0
    pause
  done
}
# carry WAY [late]: from input to output, until the input ends.
carry() {
  number=0
  while "$B" dd bs=65536 count=1 of="$work/$1.$number" 2>/dev/null && [ -s "$work/$1.$number" ]; do
    now; echo "$now $number"
    number=$((number + 1))
  done | while read -r came number; do
    heed
    if [ -n "${2:-}" ] && [ "$late" -gt 0 ]; then
      now; [ $((came + late)) -le "$now" ] || "$B" usleep $(((came + late - now) * 10000))
      heed
    fi
    "$B" cat "$work/$1.$number" || exit 0
    "$B" rm "$work/$1.$number"
  done
}

if [ "$what" = listen ]; then
  for port in "$@"; do
    # As often as -l is given, so many connections may wait. Without one port there is no service.
    (
      "$B" nc -llllllllllllllll -p "$port" -e "$B" sh "$script" pass "$me" "$service" "$port"
      kill "$$"
    ) &
  done
  wait
  exit 0
fi

read -r own _ </proc/self/stat
work=$D/passed/$own; "$B" mkdir -p "$work"; "$B" mkfifo "$work/there"
heed
get "$board/$service/address"; exec 3<&0
carry there <&3 >"$work/there" &
"$B" nc "$got" "$1" <"$work/there" 2>/dev/null | carry back late
# The service has ended the connection. The client's end is closed when nobody reads it any more.
"$B" rm -rf "$work"
kill -KILL $(below "$own") 2>/dev/null || :

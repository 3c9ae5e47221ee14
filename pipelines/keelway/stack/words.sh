# What the scripts of a run have in common; $D is a service's folder on the board.

now() { read -r up _ </proc/uptime; now=${up%.*}${up#*.}; }
pause() { "$B" usleep 50000; }
put() { echo "$2" >"$D/.$1"; "$B" mv "$D/.$1" "$D/$1"; }
get() { got=; [ ! -f "$1" ] || read -r got <"$1" || :; }
# A process's children, their children, and so on.
below() {
  "$B" cat /proc/[0-9]*/stat 2>/dev/null | "$B" awk -v top="$1" '
    { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2 }
    END {
      for (pid in parent) {
        above = parent[pid]
        while (above != "" && above != top) above = parent[above]
        if (above == top) print pid
      }
    }'
}

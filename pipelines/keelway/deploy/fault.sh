# One fault, done to containers on their host for some time, and undone: whatever becomes of whoever
# asked for it, a lost connection too. The arguments: engine, fault, seconds, containers.
# It prints the host's uptime before it, once it is done, and before it is undone.
engine=$1 fault=$2 lasting=$3
shift 3
containers=$*
now() { read -r up _ </proc/uptime; echo "$up"; }

networks() {
  for one in $containers; do
    "$engine" inspect --format \
      '{{range $name, $is := .NetworkSettings.Networks}}{{$name}}{{range $is.Aliases}} {{.}}{{end}}{{println}}{{end}}' \
      "$one" | sed "/^$/d; s/^/$one /"
  done
}

hurt() {
  if [ "$fault" != partition ]; then
    "$engine" "$fault" $containers
    return
  fi
  echo "$joined" | while read -r one network _; do
    "$engine" network disconnect "$network" "$one" || exit 1
  done
}

heal() {
  trap - EXIT
  case $fault in
    kill | stop) "$engine" start $containers ;;
    pause) "$engine" unpause $containers ;;
    partition)
      echo "$joined" | while read -r one network aliases; do
        set --
        for alias in $aliases; do set -- "$@" --alias "$alias"; done
        "$engine" network connect "$@" "$network" "$one" || exit 1
      done
      ;;
  esac
}

[ "$fault" != partition ] || joined=$(networks)
trap heal EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
now
hurt >/dev/null || exit 1
now
sleep "$lasting"
now
heal >/dev/null

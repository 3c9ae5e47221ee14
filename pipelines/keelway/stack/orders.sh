# Orders to a service that is developed: its files are changed, a command is run beside it, it is
# started again; the container stays. Each order is a folder below "orders", whole once it is there:
#   moved    NAME ADDRESS of other services that are somewhere else now, one a line
#   gone     paths that are taken away, one a line
#   files.tar, with names of its files and of the folders that they need, what is above first
#   exec     a command for the shell
#   restart  whether the service starts again           alone    nobody waits for it
# When it was carried out it is below "done", with what was said and the exit code.

order=
carry_out() {
  if [ -f "$order/moved" ]; then
    while read -r peer where; do
      "$B" sed -e "s/^[^ ]* $peer\$/$where $peer/" -e "s/^[^ ]* $peer /$where $peer /" \
        /etc/hosts >"$D/hosts.new" || return 1
      "$B" cat "$D/hosts.new" >/etc/hosts || return 1
    done <"$order/moved"
  fi
  if [ -f "$order/gone" ]; then
    while IFS= read -r path; do "$B" rm -rf "$path" || return 1; done <"$order/gone"
  fi
  if [ -f "$order/files.tar" ]; then
    while IFS= read -r path; do
      [ -d "$path" ] || { "$B" mkdir "$path" && "$B" chown "$uid:${gid:-0}" "$path"; } || return 1
    done <"$order/folders"
    "$B" tar -xf "$order/files.tar" -C / || return 1
    "$B" tr '\n' '\0' <"$order/names" | "$B" xargs -0 "$B" chown -h "$uid:${gid:-0}" || return 1
  fi
  [ -f "$order/exec" ] || return 0
  get "$D/folder"; cd "$got" || return 1
  limited=; . "$order/exec"
}
start_again() {
  case $state in
    running|starting|healthy|unhealthy) quit "$stop_signal" "$grace" ;;
    exited) relaunched=1 ;;
    *) return ;;
  esac
  tell "started again: its files have changed"
  restarts=0; backoff=10; over=; launch
}
# One order at a time; what takes time runs beside, so that the service is looked after meanwhile.
obey() {
  if [ -z "$order" ]; then
    for order in "$D"/orders/*; do break; done
    [ -d "$order" ] || { order=; return; }
    ( ( carry_out ); echo $? >"$order/.code"; "$B" mv "$order/.code" "$order/code" ) \
      >"$order/said" 2>&1 </dev/null &
  fi
  [ -f "$order/code" ] || return 0
  get "$order/code"
  if [ "$got" = 0 ] && [ -f "$order/restart" ]; then start_again; fi
  if [ -f "$order/alone" ]; then "$B" rm -rf "$order"
  else "$B" mkdir -p "$D/done"; "$B" mv "$order" "$D/done/"; fi
  order=
}


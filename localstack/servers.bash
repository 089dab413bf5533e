# What starts servers, waits for them and stops them again: the ones in the file $running, one line each, "NAME PID PORT".
# Sourced after shared.bash by scripts that define $home, $running, say, `ours PID` and `answers NAME PORT`.

# background NAME PORT COMMAND…: a server in a process group of its own, so that neither the end of this shell nor an
# interrupt meant for it reaches the server.
background() {
  local name=$1 port=$2
  shift 2
  set -m
  nohup "$@" </dev/null >"$home/$name.log" 2>&1 &
  set +m
  printf '%s %s %s\n' "$name" "$!" "$port" >>"$running"
}

# await NAME PID PORT: whether that server answers within $start_time seconds.
await() {
  local deadline=$((SECONDS + start_time))
  until answers "$1" "$3"; do
    if [ "$SECONDS" -ge "$deadline" ] || ! kill -0 "$2" 2>/dev/null; then return 1; fi
    sleep 0.2
  done
  ours "$2" # and not somebody else's, who took the port first
}

# each COMMAND: runs it with the words of each line, until one fails.
each() {
  local name pid port
  while read -r name pid port; do "$1" "$name" "$pid" "$port" || return 1; done <"$running"
}

await_or_tell() {
  if await "$@"; then return; fi
  tail -n 30 "$home/$1.log" >&2
  say "$1 did not start; the last lines of its log are above, all of them in $home/$1.log"
  return 1
}

still_runs() { ours "$2" && answers "$1" "$3"; }

# find_running DOWN: whether all of them run; if not, the rest is stopped by that command.
find_running() {
  [ -s "$running" ] || return 1
  if each still_runs; then return; fi
  "$1" --locked || exit 1
  return 1
}

# lives PID: a process that is on its way out has no command line any more.
lives() {
  case $(ps -o stat= -p "$1" 2>/dev/null) in
    "" | Z*) return 1 ;;
  esac
}

# ended PID SECONDS: whether it is gone in time.
ended() {
  local deadline=$((SECONDS + $2))
  while lives "$1"; do
    if [ "$SECONDS" -ge "$deadline" ]; then return 1; fi
    sleep 0.1
  done
}

# stop NAME PID PORT
stop() {
  ours "$2" || return 0
  say "stopping $1"
  kill "$2" 2>/dev/null || true
  if ended "$2" 10; then return; fi
  kill -s KILL "$2" 2>/dev/null || true
  ended "$2" 10 || fail "process $2 does not end"
}

# The last that was started stops first: it may need the others for its end.
stop_all() {
  local lines=() line i
  [ -f "$running" ] || return 0
  while read -r line; do lines+=("$line"); done <"$running"
  for ((i = ${#lines[@]} - 1; i >= 0; i--)); do
    # shellcheck disable=SC2086 # three words
    stop ${lines[i]}
  done
  rm -f "$running"
}

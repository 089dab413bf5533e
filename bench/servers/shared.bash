# What `install`, `up` and `down` of this folder share.
# shellcheck disable=SC2034 # not all of it is used by each
# shellcheck source-path=SCRIPTDIR source=../../localstack/shared.bash
source "$(dirname "${BASH_SOURCE[0]}")/../../localstack/shared.bash"
# shellcheck source=../../localstack/servers.bash
source "$here/servers.bash"

servers=$repository/bench/servers
mkdir -p "$cache/bench"
home=$(cd "$cache/bench" && pwd -P)

# One line for each server that `up` started: "NAME PID PORT".
running=$home/running

# What the servers write besides their logs. Made by `up`, removed by `down`.
data=$home/data

# Where Debian's packages are unpacked, in place of /.
debian=$home/debian

# What is there finds its libraries beside it.
library_path() { printf '%s:' "$debian"/usr/lib/*-linux-*/ "$debian"/lib/*-linux-*/ && printf '%s\n' "${LD_LIBRARY_PATH:-/usr/lib}"; }

start_time=30 # s

say() { printf 'bench: %s\n' "$*" >&2; }

# ours PID: whether it runs and is one of ours. A number alone proves nothing after a restart of the machine.
ours() {
  case $(ps -ww -o stat= -o command= -p "$1" 2>/dev/null) in
    Z*) return 1 ;;
    *"$data/"*) return 0 ;;
    *redis-server*":$(port_of redis)"*) return 0 ;; # it rewrites its command line
    *) return 1 ;;
  esac
}

port_of() { awk -v name="$1" '$1 == name { print $3 }' "$running"; }

# The folder of the newest PostgreSQL that is here, installed or unpacked; empty without any.
postgres_programs() {
  local folder found
  found=$(command -v pg_config >/dev/null && pg_config --bindir || true)
  for folder in "$debian"/usr/lib/postgresql/*/bin /usr/lib/postgresql/*/bin; do
    if [ -x "$folder/initdb" ]; then found=$folder; fi
  done
  if [ -x "$found/initdb" ] && [ -x "$found/postgres" ]; then printf '%s\n' "$found"; fi
}

redis_program() {
  local program
  for program in "$(command -v redis-server || true)" "$debian/usr/bin/redis-server"; do
    if [ -x "$program" ]; then printf '%s\n' "$program" && return; fi
  done
}

redis_version() { LD_LIBRARY_PATH=$(library_path) "$(redis_program)" --version; }

postgres_version() { LD_LIBRARY_PATH=$(library_path) "$(postgres_programs)/postgres" --version; }

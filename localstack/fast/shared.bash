# What `install`, `up` and `down` of this folder share.
# shellcheck disable=SC2034 # not all of it is used by each
# shellcheck source-path=SCRIPTDIR source=../shared.bash
source "$(dirname "${BASH_SOURCE[0]}")/../shared.bash"
# shellcheck source=../servers.bash
source "$here/servers.bash"

fast=$here/fast
mkdir -p "$cache/fast"
home=$(cd "$cache/fast" && pwd -P)

# One line for each server that `up` started: "NAME PID PORT".
running=$home/running

say() { printf 'fast: %s\n' "$*" >&2; }

# ours PID: whether it runs and is one of ours. A number alone proves nothing after a restart of the machine.
ours() {
  case $(ps -ww -o stat= -o command= -p "$1" 2>/dev/null) in
    Z*) return 1 ;;
    *"$home/jars/"*) return 0 ;;
    *) return 1 ;;
  esac
}

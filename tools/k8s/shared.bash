# What the scripts of this folder share.
# shellcheck disable=SC2034 # not all of it is used by each
# shellcheck source-path=SCRIPTDIR source=../../localstack/shared.bash
source "$(dirname "${BASH_SOURCE[0]}")/../../localstack/shared.bash"
# shellcheck source=../../localstack/servers.bash
source "$here/servers.bash"

k8s=$repository/tools/k8s
mkdir -p "$cache/k8s"
home=$(cd "$cache/k8s" && pwd -P)

# One line for each server that `up` started: "NAME PID PORT".
running=$home/running

# What the servers write besides their logs: keys, tokens, etcd's data. Made by `up`, removed by `down`.
run=$home/run

say() { printf 'k8s: %s\n' "$*" >&2; }

# ours PID: whether it runs and is one of ours. A number alone proves nothing after a restart of the machine.
ours() {
  case $(ps -ww -o stat= -o command= -p "$1" 2>/dev/null) in
    Z*) return 1 ;;
    *"$home/bin/"*) return 0 ;;
    *) return 1 ;;
  esac
}

# What the scripts of this folder share; sourced by each of them.
# shellcheck disable=SC2034 # not all of it is used by each

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(dirname "$here")
cache=${GOFLOW_CACHE:-$repository/.cache}
mkdir -p "$cache/localstack"
# Resolved, because our processes are later recognised by the paths in their command lines.
home=$(cd "$cache/localstack" && pwd -P)

# LocalStack's view of the file system, and where it looks for DynamoDB Local.
filesystem=$home/filesystem
dynamodb=$filesystem/var/lib/localstack/lib/dynamodb-local/2

# Where it unzips functions and their temporary files.
temporary=$home/temporary

# One line about the LocalStack that `up` started: "native PID PORT" or "docker - PORT".
running=$home/running

# stdout belongs to the `export` lines of `up`.
say() { printf 'localstack: %s\n' "$*" >&2; }

fail() {
  say "$@"
  exit 1
}

# within SECONDS COMMAND…: whether the command succeeds in time. macOS has no `timeout`.
within() {
  local seconds=$1 command guard status=0
  shift
  "$@" >/dev/null 2>&1 &
  command=$!
  (sleep "$seconds" && kill "$command") >/dev/null 2>&1 &
  guard=$!
  wait "$command" 2>/dev/null || status=$?
  kill "$guard" 2>/dev/null || true
  wait "$guard" 2>/dev/null || true
  return "$status"
}

# A client without an engine is common, and an engine that hangs is not unheard of.
docker_answers() { command -v docker >/dev/null && within 5 docker info; }

compose() {
  # One project for each cache folder, so that two clones on a machine have a LocalStack each.
  docker compose --project-name "goflow-localstack-$(printf '%s' "$home" | cksum | cut -d ' ' -f 1)" \
    --file "$here/compose.yaml" "$@"
}

python_candidates() {
  printf '%s\n' python3.13 python3.12 python3
  if command -v pyenv >/dev/null; then
    ls -r "$(pyenv root)"/versions/3.1[23]*/bin/python 2>/dev/null || true
  fi
}

# Prints the first interpreter that LocalStack 4.14.0 runs on. Each is really run: a pyenv shim is found on the path but
# fails for a version that is not active, and Debian's python3 may lack what `-m venv` needs.
find_python() {
  local candidate
  while read -r candidate; do
    "$candidate" -c 'import ensurepip, sys
if not (3, 12) <= sys.version_info[:2] < (3, 14): sys.exit(1)
print(sys.executable)' 2>/dev/null && return
  done < <(python_candidates)
  return 1
}

# java_property NAME: a system property of the Java on the path.
java_property() {
  java -XshowSettings:properties -version 2>&1 | sed -n "s/^ *$1 = //p"
}

# Our LocalStack may be stopped, started or installed by one script at a time. A link is created whole or not at all, and
# its target says who holds it.
lock() {
  local link=$home/lock holder
  local deadline=$((SECONDS + 900))
  until ln -s "$$" "$link" 2>/dev/null; do
    holder=$(readlink "$link" || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
      remove_dead_lock "$link"
    elif [ "$SECONDS" -ge "$deadline" ]; then
      fail "waited 15 minutes for process $holder; if that is not one of ours, remove $link"
    else
      sleep 0.5
    fi
  done
  trap 'rm -f "$home/lock"' EXIT
}

# Of those who saw the dead holder, one may remove its lock; the others could hit the lock of whoever came next.
remove_dead_lock() {
  local link=$1 holder
  if mkdir "$link.removal" 2>/dev/null; then
    holder=$(readlink "$link" || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -f "$link"; fi
    rmdir "$link.removal"
  fi
}

# our_processes PID: the ids of all processes that the LocalStack started as PID consists of. A number alone proves
# nothing after a restart of the machine, so each must also name our files: the Python processes in PID's process group,
# and those that have groups of their own, the DynamoDB JVM and the functions.
our_processes() {
  # In its environment, awk keeps what it looks for out of its own command line.
  ps -axww -o pid= -o pgid= -o stat= -o command= |
    group=$1 program=$home/venv/bin/ jar="-jar $dynamodb/" code=$temporary/lambda/ awk '
      function ours() { return $2 == ENVIRON["group"] && (index($0, ENVIRON["program"]) || / -m localstack\.runtime\.main/) }
      $3 !~ /^Z/ && (ours() || index($0, ENVIRON["jar"]) || index($0, ENVIRON["code"])) { print $1 }'
}

# once NAME INPUT COMMAND: runs the command unless it was finished with this input. The stamp is written last, so an
# interrupted install starts again.
once() {
  local stamp=$home/$1.installed input=$2
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$input" ]; then return; fi
  rm -f "$stamp"
  "$3"
  printf '%s\n' "$input" >"$stamp"
}

get() { curl --silent --fail --noproxy '*' --max-time 5 "$@" >/dev/null; }

# dynamodb_answers ENDPOINT. Nobody here checks the signature; LocalStack reads the service and the region from it.
dynamodb_answers() {
  get --max-time 30 --header 'X-Amz-Target: DynamoDB_20120810.ListTables' \
    --header 'Content-Type: application/x-amz-json-1.0' \
    --header 'Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=none' \
    --data '{}' "$1/"
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port FIRST
free_port() {
  local port=$1
  while port_is_taken "$port"; do port=$((port + 1)); done
  printf '%s\n' "$port"
}

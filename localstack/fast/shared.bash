# What `install`, `up` and `down` of this folder share.
# shellcheck disable=SC2034 # not all of it is used by each
# shellcheck source-path=SCRIPTDIR source=../shared.bash
source "$(dirname "${BASH_SOURCE[0]}")/../shared.bash"
# shellcheck source=../servers.bash
source "$here/servers.bash"

fast=$here/fast
mkdir -p "$cache/fast"
home=$(cd "$cache/fast" && pwd -P)
jars=$home/jars

# With --durable as their first word, the scripts are about servers of their own, which keep everything in $data until
# `down` and can be stopped and started one by one; the others don't notice.
durable=
if [ "${1:-}" = --durable ]; then
  durable=--durable
  shift
  mkdir -p "$cache/durable"
  home=$(cd "$cache/durable" && pwd -P)
fi
# Every write to DynamoDB Local's file waits for the disk, which makes it 20 to 90 a second: in memory it is 2,000.
data=$home/data
if [ -w /dev/shm ]; then data=/dev/shm/goflow-$(printf '%s' "$home" | cksum | cut -d ' ' -f 1); fi

# One line for each server that `up` started: "NAME PID PORT".
running=$home/running

say() { printf 'fast: %s\n' "$*" >&2; }

# ours PID: whether it runs and is one of ours. A number alone proves nothing after a restart of the machine.
ours() {
  case $(ps -ww -o stat= -o command= -p "$1" 2>/dev/null) in
    Z*) return 1 ;;
    *"$jars/"*) return 0 ;;
    *) return 1 ;;
  esac
}

start_time=60 # s

sqs_answers() { get --data 'Action=ListQueues&Version=2012-11-05' "http://127.0.0.1:$1/"; }

answers() {
  case $1 in
    elasticmq) sqs_answers "$2" ;;
    dynamodb) dynamodb_answers "http://127.0.0.1:$2" ;;
  esac
}

java_server() { background "$1" "$2" java -Xmx512m "${@:3}"; }

# What restarts, starts in half the time with the quick compiler only.
quick() { if [ -n "$durable" ]; then printf '%s\n' -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto; fi; }

# start NAME PORT
start() {
  local configuration=$fast/elasticmq.conf storage=(-inMemory) loopback=$fast/Loopback.java
  if [ -n "$durable" ]; then
    mkdir -p "$data"
    configuration=$fast/durable.conf storage=(-dbPath "$data")
  fi
  # shellcheck disable=SC2046 # words
  case $1 in
    elasticmq)
      FAST_DATA=$data ELASTICMQ_PORT=$2 java_server elasticmq "$2" $(quick) -Dconfig.file="$configuration" \
        -cp "$jars/elasticmq/*" org.elasticmq.server.Main
      ;;
    dynamodb)
      # A source file for a main class: Java compiles it on the way. What restarts, has it compiled once.
      if [ -n "$durable" ] && [ ! -f "$data/Loopback.class" ]; then javac -cp "$jars/dynamodb/*" -d "$data" "$fast/Loopback.java"; fi
      if [ -n "$durable" ]; then loopback=Loopback; fi
      java_server dynamodb "$2" $(quick) -Djava.library.path="$jars/dynamodb" \
        -cp "$jars/dynamodb/*:$data" "$loopback" "${storage[@]}" -sharedDb -disableTelemetry -port "$2"
      ;;
  esac
}

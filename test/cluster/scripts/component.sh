#!/usr/bin/env bash
# Ends or starts again one program of a running cluster (kube-apiserver, etcd, kwok, kubelet ...), as a fault would.
# usage: component.sh stop NAME [SIGNAL] | start NAME     (default SIGNAL: KILL)
. "$(dirname "$0")/lib.sh"
node=$PIDS/node
if [ -e "$node" ] && [ ! -e "$PIDS/$2" ]; then # what runs on the real node has its number in there only
  exec nsenter --target "$(pgrep -P "$(<"$node")")" --net --mount --pid --cgroup env R1_PIDS=/run/pids "$HERE/component.sh" "$@"
fi
case $1 in
  stop)
    pid=$(<"$PIDS/$2")
    kill -"${3:-KILL}" "$pid" || [ ! -e "/proc/$pid" ] # an API server ends by itself when it misses etcd for long
    while grep -q '^State:.[^Z]' "/proc/$pid/status" 2>/dev/null; do sleep 0.1; done
    ;;
  start)
    eval "start $2 $(<"$STATE/command/$2")"
    ;;
  *) sed -n '2,3s/^# \?//p' "$0" >&2; exit 2 ;;
esac

#!/usr/bin/env bash
# Stops what up.sh or node-up.sh started and removes its state; the built tools and images stay.
. "$(dirname "$0")/lib.sh"
if [ -e "$PIDS/kwok" ]; then # the folders that its volumes got
  { kubectl --request-timeout=2s get persistentvolumes -o jsonpath='{range .items[*]}{.spec.hostPath.path}{"\n"}{end}' 2>/dev/null || true; } |
    { grep ^/tmp/hostpath_pv/ || true; } | xargs -r rm -rf
fi
pids=()
for f in "$PIDS"/*; do
  [ -e "$f" ] || continue
  pid=$(<"$f")
  # A stale file may hold the number of a stranger; ours have the state in their environment.
  if grep -qaF "$STATE/" "/proc/$pid/environ" 2>/dev/null; then
    mapfile -t -O "${#pids[@]}" pids < <(echo "$pid"; pgrep -P "$pid")
    kill -9 "$pid"
  fi
done
for pid in "${pids[@]}"; do
  while grep -q '^State:.[^Z]' "/proc/$pid/status" 2>/dev/null; do sleep 0.1; done
done
find /sys/fs/cgroup -depth -type d -path "*/$CGROUP*" -exec rmdir {} + 2>/dev/null || true
rm -rf "$STATE"

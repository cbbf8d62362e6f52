#!/usr/bin/env bash
# Adds a second node to a cluster of node-up.sh: a kubelet and a containerd of their own in the namespaces of the first, so
# that one of the two can be lost. component.sh ends them: kubelet-2, containerd-2.
# usage: [R1_IMAGES="TAG..."] second-node.sh
. "$(dirname "$0")/lib.sh"
second=$NODE-2
if [ -z "${R1_PIDS:-}" ]; then # on this machine: again in the namespaces of the node
  cert kubelet-2 "/O=system:nodes/CN=system:node:$second" "DNS:$second,IP:$NODE_IP"
  sed "s#kubelet#kubelet-2#g" "$STATE/kubelet.kubeconfig" >"$STATE/kubelet-2.kubeconfig"
  nsenter --target "$(pgrep -P "$(<"$PIDS/node")")" --net --mount --pid --cgroup env R1_PIDS=/run/pids "$HERE/second-node.sh"
  until_ok 60 "second node registered" kubectl get node "$second"
  kubectl wait --for=condition=Ready "node/$second" --timeout=60s >/dev/null
  exit
fi
for c in cpu cpuacct cpuset memory devices freezer blkio pids systemd; do
  mkdir -p "/sys/fs/cgroup/$c/$CGROUP-2"
done
mkdir -p "$STATE/node-2/kubelet" "$STATE/node-2/log"
sed -e "s#\"$STATE/containerd\"#\"$STATE/containerd-2\"#; s#$STATE/containerd.sock#$STATE/containerd-2.sock#; s#/run/containerd\"#/run/containerd-2\"#" \
  "$STATE/containerd.toml" >"$STATE/containerd-2.toml"
sed -e "s#containerd.sock#containerd-2.sock#; s#^cgroupRoot: .*#cgroupRoot: /$CGROUP-2#; s#pki/kubelet\.#pki/kubelet-2.#" \
  "$STATE/kubelet.yaml" >"$STATE/kubelet-2.yaml"
cat >>"$STATE/kubelet-2.yaml" <<END
port: 10251
healthzPort: 10258
podLogsDir: $STATE/node-2/log
END
start containerd-2 containerd --config "$STATE/containerd-2.toml"
until_ok 30 containerd-2 ctr -a "$STATE/containerd-2.sock" version
for i in localhost/pause:1 docker.io/library/node:24-bookworm-slim ${R1_IMAGES:-}; do
  ctr -a "$STATE/containerd-2.sock" -n k8s.io images import "$(archive "$i")"
done
start kubelet-2 kubelet --config "$STATE/kubelet-2.yaml" --kubeconfig "$STATE/kubelet-2.kubeconfig" \
  --hostname-override "$second" --node-ip "$NODE_IP" --root-dir "$STATE/node-2/kubelet"

# Shared settings and helpers; sourced by the other scripts.
# shellcheck shell=bash disable=SC2034,SC2016
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CRDS=$(cd "$HERE/../../../crds" && pwd)

K8S_VERSION=${K8S_VERSION:-1.35.4}
ETCD_VERSION=${ETCD_VERSION:-3.6.15}
KWOK_VERSION=${KWOK_VERSION:-0.8.0}
HELM_VERSION=${HELM_VERSION:-3.22.0}
KUBECONFORM_VERSION=${KUBECONFORM_VERSION:-0.8.0}
COREDNS_VERSION=${COREDNS_VERSION:-1.15.0}
LOCAL_PATH_VERSION=${LOCAL_PATH_VERSION:-0.0.30}

CACHE=${R1_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/r1-cluster} # built once, kept
BIN=$CACHE/bin
ASSETS=${KUBEBUILDER_ASSETS:-$BIN}                           # programs found here are not built
DEB=$CACHE/deb                                               # unpacked Debian packages
STATE=${R1_CLUSTER_STATE:-$CACHE/state}                              # one cluster, removed by down.sh
PIDS=${R1_PIDS:-$STATE/pids}
API_PORT=${R1_API_PORT:-6443}
ETCD_PORT=${R1_ETCD_PORT:-2379}
KWOK_PORT=${R1_KWOK_PORT:-10247}

# The real node has a network namespace of its own, with this bridge in it.
NODE=r1-node
CGROUP=$NODE-$API_PORT # two nodes on one machine must not tidy up each other's pods
NODE_IP=10.88.0.1
POD_CIDR=10.88.0.0/24
SVC_CIDR=10.96.0.0/24
SVC_IP=10.96.0.1

export KUBECONFIG=$STATE/admin.kubeconfig
export PATH=$ASSETS:$BIN:$PATH

log() { printf '%5ds %s\n' "$SECONDS" "$*" >&2; }

# start NAME COMMAND...: in the background, with a log and a pid file. The command is kept for component.sh.
start() {
  local name=$1
  shift
  mkdir -p "$PIDS" "$STATE/log" "$STATE/command"
  printf '%q ' "$@" >"$STATE/command/$name"
  setsid "$@" >>"$STATE/log/$name.log" 2>&1 </dev/null &
  echo $! >"$PIDS/$name"
}

# until_ok SECONDS WHAT COMMAND...: retry until the command succeeds.
until_ok() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || { log "not ready: $what (see $STATE/log)"; return 1; }
    sleep 0.2
  done
  log "ready: $what"
}

# Before a command: run it where Debian's unpacked packages lie over the machine's own (needs root).
export DEB
DEBS_OVER='mount --make-rprivate / && for d in usr etc; do mount -t overlay -o lowerdir=$DEB/$d:/$d overlay /$d; done'
WITH_DEBS=(unshare --mount bash -ec "$DEBS_OVER; exec \"\$@\"" -)

# archive TAG: where an image lies once it was built.
archive() { echo "$CACHE/images/${1//[\/:]/_}.tar"; }

running() { [ -n "$(ls "$PIDS" 2>/dev/null)" ]; }

# with_owner: takes the cluster down once the process R1_OWNER_PID has ended, however it ended.
with_owner() {
  [ -n "${R1_OWNER_PID:-}" ] || return 0
  mkdir -p "$STATE"
  setsid bash -c 'while kill -0 "$1" 2>/dev/null && [ -e "$2" ]; do sleep 1; done; [ ! -e "$2" ] || exec "$3"' \
    - "$R1_OWNER_PID" "$STATE" "$HERE/down.sh" >/dev/null 2>&1 </dev/null &
}

# cert NAME SUBJECT [SAN]: a certificate signed by the cluster's CA.
cert() {
  local d=$STATE/pki
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" \
    -keyout "$d/$1.key" -out "$d/$1.csr" 2>/dev/null
  openssl x509 -req -in "$d/$1.csr" -CA "$d/ca.crt" -CAkey "$d/ca.key" -days 365 -out "$d/$1.crt" \
    -extfile <(echo "extendedKeyUsage=clientAuth,serverAuth"; [ -z "${3:-}" ] || echo "subjectAltName=$3") 2>/dev/null
}

# kubeconfig NAME SERVER: for the certificate of that name.
kubeconfig() {
  local d=$STATE/pki f=$STATE/$1.kubeconfig
  cat >"$f" <<EOF
apiVersion: v1
kind: Config
current-context: r1
clusters: [{name: r1, cluster: {server: "$2", certificate-authority: $d/ca.crt}}]
users: [{name: $1, user: {client-certificate: $d/$1.crt, client-key: $d/$1.key}}]
contexts: [{name: r1, context: {cluster: r1, user: $1}}]
EOF
}

# pki SERVER: everything that the components and the user sign in with.
pki() {
  local d=$STATE/pki
  mkdir -p "$d"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=r1-ca \
    -keyout "$d/ca.key" -out "$d/ca.crt" 2>/dev/null
  openssl genrsa -out "$d/sa.key" 2048 2>/dev/null
  cert apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:$SVC_IP,IP:$NODE_IP"
  cert admin /O=system:masters/CN=admin
  cert kubelet "/O=system:nodes/CN=system:node:$NODE" "DNS:$NODE,IP:$NODE_IP"
  kubeconfig admin "https://127.0.0.1:$API_PORT"
  cp "$STATE/admin.kubeconfig" "$STATE/components.kubeconfig"
  kubeconfig kubelet "$1"
}

# control_plane BIND FLAGS...: etcd, API server, controller manager and scheduler, listening on BIND.
# R1_FSYNC=1 makes etcd safe to kill. The rates are those of a cluster that runs many Jobs.
control_plane() {
  local d=$STATE/pki bind=$1 rates=(--kube-api-qps 500 --kube-api-burst 1000) unsafe=(--unsafe-no-fsync)
  shift
  [ -z "${R1_FSYNC:-}" ] || unsafe=()
  start etcd etcd --data-dir "$STATE/etcd" "${unsafe[@]}" \
    --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
    --listen-peer-urls http://127.0.0.1:0
  start kube-apiserver kube-apiserver --etcd-servers "http://127.0.0.1:$ETCD_PORT" \
    --bind-address "$bind" --secure-port "$API_PORT" --service-cluster-ip-range "$SVC_CIDR" \
    --tls-cert-file "$d/apiserver.crt" --tls-private-key-file "$d/apiserver.key" --client-ca-file "$d/ca.crt" \
    --kubelet-client-certificate "$d/admin.crt" --kubelet-client-key "$d/admin.key" --kubelet-certificate-authority "$d/ca.crt" \
    --kubelet-preferred-address-types InternalIP \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$d/sa.key" --service-account-signing-key-file "$d/sa.key" \
    --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction --allow-privileged "$@"
  until_ok 60 "API server" kubectl get --raw /readyz
  start kube-controller-manager kube-controller-manager --kubeconfig "$STATE/components.kubeconfig" \
    --secure-port 0 --leader-elect=false --use-service-account-credentials "${rates[@]}" --concurrent-job-syncs 50 \
    --service-account-private-key-file "$d/sa.key" --root-ca-file "$d/ca.crt" \
    --cluster-signing-cert-file "$d/ca.crt" --cluster-signing-key-file "$d/ca.key" --enable-hostpath-provisioner
  start kube-scheduler kube-scheduler --kubeconfig "$STATE/components.kubeconfig" \
    --secure-port 0 --leader-elect=false "${rates[@]}"
  until_ok 60 "default service account" kubectl -n default get serviceaccount default
}

#!/usr/bin/env bash
# A real control plane on loopback with fake GPU nodes (kwok), the CRDs of the project installed: no root needed, no
# containers run. ../kwok says which nodes there are and how their pods end. R1_API_FLAGS: further flags of the API server.
. "$(dirname "$0")/lib.sh"
running && { log "already up: $STATE"; exit; }
"$HERE/build-tools.sh" etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok
trap '[ $? = 0 ] || log "failed: see $STATE/log, then run down.sh"' EXIT
SECONDS=0
with_owner
pki "https://127.0.0.1:$API_PORT"
# shellcheck disable=SC2086
control_plane 127.0.0.1 --endpoint-reconciler-type none ${R1_API_FLAGS:-}
KWOK=$HERE/../kwok
sed "s/NOW/$(date -u +%FT%T.000Z)/g" "$KWOK/progress.log" >"$STATE/progress.log"
sed "s#PROGRESS_LOG#$STATE/progress.log#" "$KWOK/pod-logs.yaml" >"$STATE/pod-logs.yaml"
start kwok kwok --config "$KWOK/node-stages.yaml" --config "$KWOK/pod-stages.yaml" --config "$STATE/pod-logs.yaml" \
  --kubeconfig "$STATE/components.kubeconfig" --manage-all-nodes=false --manage-nodes-with-label-selector type=kwok \
  --node-ip 127.0.0.1 --node-port "$KWOK_PORT" --server-address "127.0.0.1:$KWOK_PORT" \
  --tls-cert-file "$STATE/pki/apiserver.crt" --tls-private-key-file "$STATE/pki/apiserver.key"
kubectl apply -f "$KWOK/cluster.yaml" -f "$CRDS" >/dev/null
kubectl wait --for=condition=Ready node --all --timeout=60s >/dev/null
kubectl wait --for=condition=Established crd r1pipelines.r1.dev r1stages.r1.dev --timeout=60s >/dev/null
bad='{"apiVersion":"r1.dev/v1alpha1","kind":"R1Pipeline","metadata":{"name":"bad"},"spec":{"stages":[{"name":"a","evaluate":{"data":["none"]}}]}}'
until_ok 30 "admission policy" eval '[[ $(kubectl create --dry-run=server -f - <<<"$bad" 2>&1) == *"denied request"* ]]'
log "export KUBECONFIG=$KUBECONFIG"

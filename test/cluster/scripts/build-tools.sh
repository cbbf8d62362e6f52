#!/usr/bin/env bash
# Builds the cluster's programs from Go modules into $CACHE/bin; each is built once per version, and none that lies in
# $KUBEBUILDER_ASSETS. Needs Go >= 1.26 and jq when there is something to build.
# usage: build-tools.sh [NAME...]   (default: all)
. "$(dirname "$0")/lib.sh"
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS="-trimpath -mod=mod" GOWORK=off

# built NAME VERSION
built() { [ -e "$CACHE/stamp/$1-$2" ] || [ "$ASSETS" != "$BIN" -a -x "$ASSETS/$1" ]; }

# build NAME VERSION DIR PACKAGE LDFLAGS...: inside the module in DIR.
build() {
  local stamp=$CACHE/stamp/$1-$2
  log "build $1 $2"
  (cd "$3" && nice -n 10 go build -ldflags "-s -w ${*:5}" -o "$BIN/$1" "$4")
  mkdir -p "$CACHE/stamp" && touch "$stamp"
}

# wrapper NAME GO_MOD: a module of our own, for programs whose go.mod has replace lines (go install refuses those).
wrapper() {
  mkdir -p "$CACHE/src/$1"
  cd "$CACHE/src/$1"
  printf '%s\n' "$2" >go.mod
  cat >main.go
}

kubernetes() { # NAME
  local v=$K8S_VERSION mod p=k8s.io/component-base/version
  built "$1" "$v" && return
  if [ ! -e "$CACHE/src/kubernetes-$v/go.sum" ]; then
    mod=$(go mod download -json "k8s.io/kubernetes@v$v" | jq -r .GoMod)
    wrapper "kubernetes-$v" "module local/kubernetes

$(grep -E '^go ' "$mod")

require k8s.io/kubernetes v$v

replace (
$(sed -nE 's#^\s*(k8s.io/[a-z-]+) => ./staging.*#\t\1 => \1 v0.'"${v#1.}"'#p' "$mod")
)" <<'EOF'
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver/app"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	_ "k8s.io/kubernetes/cmd/kube-proxy/app"
	_ "k8s.io/kubernetes/cmd/kube-scheduler/app"
	_ "k8s.io/kubernetes/cmd/kubelet/app"
	_ "k8s.io/kubectl/pkg/cmd"
)
EOF
    go mod tidy -e 2>/dev/null
  fi
  local minor=${v#1.}
  build "$1" "$v" "$CACHE/src/kubernetes-$v" "k8s.io/kubernetes/cmd/$1" \
    "-X $p.gitVersion=v$v -X $p.gitMajor=1 -X $p.gitMinor=${minor%%.*} -X $p.gitTreeState=clean"
}

etcd() {
  local v=$ETCD_VERSION
  built etcd "$v" && return
  [ -e "$CACHE/src/etcd-$v/go.sum" ] || {
    wrapper "etcd-$v" "module local/etcd

go 1.24

require go.etcd.io/etcd/server/v3 v$v" <<'EOF'
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
EOF
    go mod tidy -e 2>/dev/null
  }
  build etcd "$v" "$CACHE/src/etcd-$v" .
}

coredns() { # with just the plugins that a cluster's names need
  local v=$COREDNS_VERSION
  built coredns "$v" && return
  [ -e "$CACHE/src/coredns-$v/go.sum" ] || {
    wrapper "coredns-$v" "module local/coredns

go 1.26

require github.com/coredns/coredns v$v" <<'EOF'
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
)

func main() {
	dnsserver.Directives = []string{"bind", "errors", "kubernetes"}
	coremain.Run()
}
EOF
    go mod tidy -e 2>/dev/null
  }
  build coredns "$v" "$CACHE/src/coredns-$v" .
}

pause() { # what holds a pod's namespaces open
  built pause 1 && return
  wrapper pause "module local/pause" <<'EOF'
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	<-c
}
EOF
  build pause 1 "$CACHE/src/pause" .
}

plain() { # NAME VERSION MODULE PACKAGE LDFLAGS: a program that go install takes as it is
  local stamp=$CACHE/stamp/$1-$2
  built "$1" "$2" && return
  log "build $1 $2"
  GOFLAGS=-trimpath GOBIN=$BIN nice -n 10 go install -ldflags "-s -w ${5:-}" "$3${4:+/$4}@v$2"
  mkdir -p "$CACHE/stamp" && touch "$stamp"
}

mkdir -p "$BIN"
exec {lock}>"$CACHE/build.lock" # another test run may be building
flock "$lock"
[ $# -gt 0 ] || set -- etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok helm kubeconform kubelet kube-proxy coredns local-path-provisioner pause
for name; do
  case $name in
    kubeconform) plain "$name" "$KUBECONFORM_VERSION" github.com/yannh/kubeconform cmd/kubeconform "-X main.version=v$KUBECONFORM_VERSION" ;;
    kube*) kubernetes "$name" ;;
    kwok) plain kwok "$KWOK_VERSION" sigs.k8s.io/kwok cmd/kwok "-X sigs.k8s.io/kwok/pkg/consts.Version=v$KWOK_VERSION" ;;
    helm) plain helm "$HELM_VERSION" "helm.sh/helm/v${HELM_VERSION%%.*}" cmd/helm \
      "-X helm.sh/helm/v${HELM_VERSION%%.*}/internal/version.version=v$HELM_VERSION" ;;
    local-path-provisioner) plain "$name" "$LOCAL_PATH_VERSION" github.com/rancher/local-path-provisioner "" ;;
    etcd | coredns | pause) "$name" ;;
    *) echo "no recipe for $name" >&2; exit 2 ;;
  esac
done
log "tools are in $BIN"

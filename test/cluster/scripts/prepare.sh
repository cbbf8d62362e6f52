#!/usr/bin/env bash
# Gets ready, once, everything that tests on clusters need: programs, and as root on Debian the real node's runtime and
# base images.
. "$(dirname "$0")/lib.sh"
"$HERE/build-tools.sh"
if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
  "$HERE/image.sh" base
  "$HERE/image.sh" pause
fi

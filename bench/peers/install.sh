#!/usr/bin/env bash
# Installs the peers of the bench from PyPI into a virtual environment of its own, once. llama.cpp is compiled, which takes minutes.
# R1_BENCH_VENV names another place (or an environment that already has them).
set -euo pipefail
venv=${R1_BENCH_VENV:-$HOME/.cache/r1-bench/venv}
here=$(dirname "$0")
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
"$venv/bin/python" -c 'import torch, transformers, trl; print("torch", torch.__version__, "transformers", transformers.__version__, "trl", trl.__version__)'

#!/usr/bin/env bash
# Measures every row of the tables in docs/benchmarks.md, one after the other, and prints them as Markdown.
#   bench/table.sh DIR [OPTION...]     DIR: SmolLM2-135M, as examples/models/smollm2.sh makes it; options of `npm run bench`, such as --rounds 3
# A row that fails is told of, and does not keep the next ones from being measured.
set -uo pipefail
model=$(realpath "${1:?usage: bench/table.sh DIR [OPTION...]}")
shift
options=("$@")
cd "$(dirname "$0")/.."
failed=0

row() {
  echo "<!-- npm run bench -- $* ${options[*]} -->"
  npm run --silent bench -- "$@" --format markdown "${options[@]}" || failed=1
}

row train-step
row train-step --peer compile
row train-step --precision bf16
row train-step --peer eager-bf16 --precision bf16
row grpo-step
row grpo-step --precision bf16
row grpo-step --prompt 256
row grpo-step --prompt 256 --precision bf16
row generate
row generate --precision bf16
row policy-gradient
row policy-gradient --prompt 1024
row adamw
row log-prob --rounds 2
row generate --model "$model" --rows 1 --new-tokens 64
row generate --model "$model" --rows 1 --new-tokens 64 --precision bf16
row generate --model "$model" --rows 16 --new-tokens 64
row generate --model "$model" --rows 16 --new-tokens 64 --precision bf16
row generate --model "$model" --rows 1 --new-tokens 64 --peer llama.cpp
row generate --model "$model" --rows 1 --new-tokens 64 --peer llama.cpp-bf16 --precision bf16
row train-step --model "$model" --rows 1 --prompt 128
row train-step --model "$model" --rows 1 --prompt 128 --precision bf16
row train-step --model "$model" --rows 1 --prompt 512
row grpo-step --model "$model" --new-tokens 16
exit $failed

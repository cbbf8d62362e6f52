"""llama.cpp by way of llama-cpp-python, one prompt after the other: greedy for the comparison of tokens, sampled for the timing."""

import os
import tempfile

from llama_cpp import Llama

from gguf_file import write_gguf
from protocol import read_workload, send_ready, serve


def main() -> None:
    workload = read_workload()
    prompts, new_tokens = workload["promptIds"], workload["newTokens"]
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.gguf")
        write_gguf(workload["model"], path, workload["precision"])
        model = Llama(
            model_path=path,
            n_ctx=len(prompts[0]) + new_tokens,
            n_threads=workload["threads"],
            n_threads_batch=workload["threads"],
            seed=workload["seed"],
            verbose=False,
        )

    def generate(**sampling) -> list[list[int]]:
        return [complete(prompt, sampling) for prompt in prompts]

    def complete(prompt: list[int], sampling: dict) -> list[int]:
        tokens = model.generate(prompt, reset=True, repeat_penalty=1.0, min_p=0.0, **sampling)
        return [token for token, _ in zip(tokens, range(new_tokens))]

    send_ready("llama-cpp-python")
    serve(
        lambda: {"tokens": generate(temp=0.0)},
        lambda: generate(temp=1.0, top_k=0, top_p=1.0),
    )


if __name__ == "__main__":
    main()

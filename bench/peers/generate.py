"""transformers `generate` with its KV cache: greedy for the comparison of tokens, sampled for the timing."""

import torch
from transformers import AutoModelForCausalLM

from protocol import read_workload, send_ready, serve, set_threads


def main() -> None:
    workload = read_workload()
    set_threads(workload["threads"])
    dtype = torch.bfloat16 if workload["precision"] == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(workload["model"], dtype=dtype)
    model.eval()
    model.generation_config.eos_token_id = None  # every completion has full length
    prompts = torch.tensor(workload["promptIds"])

    def generate(**sampling) -> torch.Tensor:
        with torch.inference_mode():
            sequences = model.generate(
                prompts,
                attention_mask=torch.ones_like(prompts),
                max_new_tokens=workload["newTokens"],
                **sampling,
            )
        return sequences[:, prompts.shape[1] :]

    def check() -> dict:
        return {"tokens": generate(do_sample=False).tolist()}

    def sample() -> None:
        generate(do_sample=True, temperature=1.0, top_k=0, top_p=1.0)

    send_ready("torch", "transformers")
    serve(check, sample)


if __name__ == "__main__":
    main()

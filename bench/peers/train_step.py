"""PyTorch eager: forward, backward, clipping and AdamW of transformers' Qwen3 on one batch."""

import torch
from transformers import Qwen3ForCausalLM

from protocol import read_workload, send_ready, serve, set_threads


def main() -> None:
    workload = read_workload()
    set_threads(workload["threads"])
    model = Qwen3ForCausalLM.from_pretrained(workload["model"], dtype=torch.float32)
    model.train()
    ids = torch.tensor(workload["ids"])

    hyper = workload["hyper"]
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=hyper["learningRate"],
        betas=tuple(hyper["betas"]),
        eps=hyper["epsilon"],
        weight_decay=hyper["weightDecay"],
        fused=True,  # its fastest form
    )

    def step() -> tuple[torch.Tensor, torch.Tensor]:
        optimizer.zero_grad(set_to_none=True)
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), hyper["maxGradNorm"])
        optimizer.step()
        return loss, norm

    def check() -> dict:
        steps = [step() for _ in range(workload["checkSteps"])]
        return {
            "numbers": {
                "loss": [loss.item() for loss, _ in steps],
                "gradient norm": [norm.item() for _, norm in steps],
            }
        }

    send_ready("torch", "transformers")
    serve(check, step)


if __name__ == "__main__":
    main()

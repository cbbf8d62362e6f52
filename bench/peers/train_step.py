"""PyTorch, eager or compiled: forward, backward, clipping and AdamW of a transformers model on one batch."""

import torch

from protocol import load_model, read_workload, send_ready, serve, set_threads


def main() -> None:
    workload = read_workload()
    set_threads(workload["threads"])
    model = load_model(workload)
    model.train()
    forward = torch.compile(model) if workload.get("compile") else model
    in_bf16 = workload["precision"] == "bf16"
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

    def gradient() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=in_bf16):
            loss = forward(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        return loss

    def step() -> tuple[torch.Tensor, torch.Tensor]:
        loss = gradient()
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
    serve(check, {"step": step, "gradient": gradient, "update": optimizer.step}[workload["part"]])


if __name__ == "__main__":
    main()

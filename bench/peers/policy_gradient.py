"""PyTorch eager: gradient of the policy loss on the policy that sampled, each completion with its prompt, logits of completions alone."""

import torch

from protocol import load_model, read_workload, send_ready, serve, set_threads


def main() -> None:
    workload = read_workload()
    set_threads(workload["threads"])
    model = load_model(workload)
    model.train()
    groups = workload["groups"]
    ids = torch.tensor([group["promptIds"] + completion for group in groups for completion in group["completions"]])
    new_tokens = len(groups[0]["completions"][0])
    advantages = torch.tensor(workload["advantages"])

    def gradient() -> None:
        model.zero_grad(set_to_none=True)
        logits = model(input_ids=ids, use_cache=False, logits_to_keep=new_tokens + 1).logits[:, :-1]
        log_probs = torch.log_softmax(logits, -1).gather(-1, ids[:, -new_tokens:, None])[..., 0]
        (-workload["weight"] * (log_probs * advantages[:, None]).sum()).backward()

    def check() -> dict:
        gradient()
        norm = torch.nn.utils.get_total_norm(parameter.grad for parameter in model.parameters())
        return {"numbers": {"gradient norm": [norm.item()]}}

    send_ready("torch", "transformers")
    serve(check, gradient)


if __name__ == "__main__":
    main()

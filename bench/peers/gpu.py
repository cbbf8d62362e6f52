"""The peers of `npm run bench -- gpu` on the same GPU: PyTorch with transformers (SDPA), or vLLM. Prints JSON; says so where a package is absent."""

import json
import os
import sys
import tempfile
import time

with open(sys.argv[1], encoding="utf8") as file:
    workload = json.load(file)
name = sys.argv[2]


def skip(reason: str) -> None:
    print(json.dumps({"name": name, "skipped": reason}))
    sys.exit(0)


def tokens(count: int, seed: int) -> list[int]:
    size = workload["config"]["vocab_size"]
    return [(seed * 7919 + at * 104_729) % size for at in range(count)]


def fastest(work, synchronize=lambda: None) -> float:
    """Seconds of the fastest round after one that is not counted."""
    work()
    synchronize()
    found = []
    for _ in range(workload["rounds"]):
        start = time.perf_counter()
        work()
        synchronize()
        found.append(time.perf_counter() - start)
    return min(found)


prompts = [tokens(workload["promptLength"], 1000 + index) for index in range(workload["prompts"])]
generated = workload["prompts"] * workload["newTokens"]


def generation_of(seconds: float) -> dict:
    return {"seconds": seconds, "tokensPerSecond": generated / seconds}


def with_torch() -> dict:
    try:
        import torch
        import transformers
    except ImportError as error:
        skip(str(error))
    if not torch.cuda.is_available():
        skip("torch finds no GPU")
    config = transformers.AutoConfig.for_model(**workload["config"])
    torch.manual_seed(1)
    with torch.device("cuda"):
        model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")
    # As ours: f32 weights and moments, products in bf16.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    ids = torch.tensor([tokens(workload["length"], row) for row in range(workload["rows"])], device="cuda")

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    seconds = fastest(step, torch.cuda.synchronize)
    step_tokens = workload["rows"] * workload["length"]
    most = torch.cuda.max_memory_allocated()
    optimizer.zero_grad(set_to_none=True)
    model = model.to(torch.bfloat16).eval()
    new = workload["newTokens"]
    batch = torch.tensor(prompts, device="cuda")

    @torch.inference_mode()
    def generate() -> None:
        model.generate(
            batch,
            attention_mask=torch.ones_like(batch),
            do_sample=True,
            top_k=0,
            min_new_tokens=new,
            max_new_tokens=new,
            pad_token_id=0,
        )

    return {
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "device": torch.cuda.get_device_name(),
        "step": {"seconds": seconds, "tokensPerSecond": step_tokens / seconds},
        "generation": generation_of(fastest(generate, torch.cuda.synchronize)),
        "mostBytes": most,
    }


def with_vllm() -> dict:
    try:
        import vllm
    except ImportError as error:
        skip(str(error))
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "config.json"), "w", encoding="utf8") as config:
            json.dump(workload["config"], config)
        model = vllm.LLM(
            model=directory,
            load_format="dummy",
            skip_tokenizer_init=True,
            dtype="bfloat16",
            max_model_len=workload["promptLength"] + workload["newTokens"],
            gpu_memory_utilization=0.5,
        )
        settings = vllm.SamplingParams(
            temperature=1.0, max_tokens=workload["newTokens"], ignore_eos=True, detokenize=False
        )
        inputs = [{"prompt_token_ids": ids} for ids in prompts]
        seconds = fastest(lambda: model.generate(inputs, settings, use_tqdm=False))
    return {"versions": {"vllm": vllm.__version__}, "generation": generation_of(seconds)}


print(json.dumps({"name": name, **{"torch": with_torch, "vllm": with_vllm}[name]()}))

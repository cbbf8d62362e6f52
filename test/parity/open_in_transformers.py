"""Opens a model directory in transformers and prints as JSON what it holds and how it goes on, for comparison with ours.

usage: open_in_transformers.py DIR [--adapter DIR] [--prompt TEXT | --ids 1,2,3] [--tokens N]
needs: torch, transformers; for an adapter, which is put on the model once its own tensors are told, peft

Output: {class, tensors: {name: SHA-256 of its little-endian f32 bytes}, and with a prompt
  ids, logits (of the prompt's last token), greedyIds, greedyText     for a language model
  ids, score (of the prompt's last token)                             for a reward model}
The prompt is taken as it is: no template, no special tokens. Tied tensors appear once. Strict: missing, unexpected
and differently shaped tensors are errors.
"""
import argparse
import hashlib
import json
import sys
import warnings

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("directory")
parser.add_argument("--adapter")
parser.add_argument("--prompt")
parser.add_argument("--ids", help="token ids instead of text, for a directory without tokenizer.json")
parser.add_argument("--tokens", type=int, default=32)
arguments = parser.parse_args()

torch.set_num_threads(1)
architecture = AutoConfig.from_pretrained(arguments.directory).architectures[0]
scalar = architecture.endswith("ForSequenceClassification")
model, loading = (AutoModelForSequenceClassification if scalar else AutoModelForCausalLM).from_pretrained(
    arguments.directory, dtype=torch.float32, output_loading_info=True
)
problems = {key: sorted(map(str, value)) for key, value in loading.items() if value}
if problems:
    sys.exit(f"{arguments.directory}: transformers reports {problems}")
if type(model).__name__ != architecture:
    sys.exit(f"{arguments.directory}: opened as {type(model).__name__}; config.json says {architecture}")

result = {
    "class": architecture,
    "tensors": {
        name: hashlib.sha256(parameter.detach().contiguous().numpy().tobytes()).hexdigest()
        for name, parameter in model.named_parameters()
    },
}
if arguments.adapter is not None:
    from peft import PeftModel

    warnings.filterwarnings("error", message="Found missing adapter keys")
    model = PeftModel.from_pretrained(model, arguments.adapter).eval()
if arguments.prompt is not None or arguments.ids:
    tokenizer = None if arguments.ids else AutoTokenizer.from_pretrained(arguments.directory)
    ids = (
        [int(part) for part in arguments.ids.split(",")]
        if arguments.ids
        else tokenizer(arguments.prompt, add_special_tokens=False).input_ids
    )
    batch = torch.tensor([ids])
    result["ids"] = ids
    with torch.no_grad():
        logits = model(batch, attention_mask=torch.ones_like(batch)).logits
        if scalar:
            result["score"] = logits[0, 0].item()
        else:
            result["logits"] = logits[0, -1].tolist()
            greedy = model.generate(
                batch, attention_mask=torch.ones_like(batch), do_sample=False, max_new_tokens=arguments.tokens
            )[0, len(ids) :].tolist()
            result["greedyIds"] = greedy
            result["greedyText"] = tokenizer and tokenizer.decode(greedy, skip_special_tokens=True)
print(json.dumps(result))

"""Writes a model of the bench as a Hugging Face directory: random weights, and a tokenizer of words t2, t3, …

Usage: model.py SETTINGS.json DIRECTORY
"""

import json
import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM


def main() -> None:
    with open(sys.argv[1], encoding="utf8") as file:
        settings = json.load(file)
    directory = sys.argv[2]

    config = Qwen3Config(**settings["config"])
    if not settings.get("tokenizerOnly"):
        torch.manual_seed(settings["seed"])
        Qwen3ForCausalLM(config).save_pretrained(directory)
    word_tokenizer(config).save_pretrained(directory)


def word_tokenizer(config: Qwen3Config) -> PreTrainedTokenizerFast:
    """One word a token, so that prompts given as text have exactly the wanted ids."""
    control = {0: "<pad>", config.eos_token_id: "<eos>"}
    vocabulary = {control.get(token, f"t{token}"): token for token in range(config.vocab_size)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<eos>",
        pad_token="<pad>",
        padding_side="left",
    )


if __name__ == "__main__":
    main()

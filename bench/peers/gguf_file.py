"""Writes a Hugging Face directory as a GGUF file for llama.cpp. Tokens are given as ids, so its vocabulary is one of names."""

import json
import os

import gguf
import numpy as np
from safetensors import safe_open

LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def write_gguf(directory: str, path: str, precision: str) -> None:
    with open(os.path.join(directory, "config.json"), encoding="utf8") as file:
        config = json.load(file)
    kind = config["model_type"]
    writer = gguf.GGUFWriter(path, kind)
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    rope = config.get("rope_parameters") or config
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(rope.get("rope_theta", 10000.0))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"t{token}" for token in range(config["vocab_size"])])
    writer.add_token_scores([0.0] * config["vocab_size"])
    writer.add_token_types([int(gguf.TokenType.NORMAL)] * config["vocab_size"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(config["eos_token_id"])
    with safe_open(os.path.join(directory, "model.safetensors"), "np") as tensors:
        for name in tensors.keys():
            add_tensor(writer, name, tensors.get_tensor(name), config, precision)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tensor(writer: gguf.GGUFWriter, name: str, weight: np.ndarray, config: dict, precision: str) -> None:
    stem = name.removesuffix(".weight")
    if stem.startswith("model.layers."):
        _, _, layer, inner = stem.split(".", 3)
        stored = f"blk.{layer}.{LAYER[inner]}.weight"
        heads = {"self_attn.q_proj": "num_attention_heads", "self_attn.k_proj": "num_key_value_heads"}.get(inner)
        if heads and config["model_type"] == "llama":
            weight = interleaved(weight, config[heads])
    else:
        stored = f"{OUTER[stem]}.weight"
    if precision == "bf16" and weight.ndim > 1:
        bf16 = gguf.GGMLQuantizationType.BF16
        writer.add_tensor(stored, gguf.quants.quantize(weight, bf16), raw_dtype=bf16)
    else:
        writer.add_tensor(stored, np.ascontiguousarray(weight))


def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """Llama's GGUF interleaves the two halves that rotary embedding rotates; Hugging Face keeps them apart."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weight.shape)

"""TRL's GRPOTrainer, run as its users run it; commands of the bench pause and time its own loop from a callback.

The answer to `check` holds what was sampled and scored in the first steps, so that the other side can replay them.
"""

import tempfile

import torch
from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from protocol import Stopwatch, load_model, read_workload, receive, send, send_ready, set_threads

MAX_STEPS = 100_000  # the bench ends the run by closing stdin


def main() -> None:
    workload = read_workload()
    set_threads(workload["threads"])
    torch.manual_seed(workload["seed"])
    rollouts = []
    with tempfile.TemporaryDirectory() as directory:
        trainer = GRPOTrainer(
            model=load_model(workload),
            processing_class=AutoTokenizer.from_pretrained(workload["tokenizer"]),
            reward_funcs=recording(rollouts),
            train_dataset=prompts_of(workload),
            args=grpo_config(workload, directory),
            callbacks=[Commands(workload, rollouts)],
        )
        trainer.train()


def prompts_of(workload: dict) -> Dataset:
    """The same prompts again and again, many to an epoch: what an epoch costs is not part of a step."""
    prompts = [" ".join(f"t{token}" for token in ids) for ids in workload["promptIds"]]
    return Dataset.from_dict({"prompt": prompts * 500})


def grpo_config(workload: dict, directory: str) -> GRPOConfig:
    hyper = workload["hyper"]
    return GRPOConfig(
        output_dir=directory,
        use_cpu=True,
        bf16=workload["precision"] == "bf16",
        gradient_checkpointing=False,  # slower with it
        per_device_train_batch_size=len(workload["promptIds"]) * workload["group"],
        num_generations=workload["group"],
        max_completion_length=workload["newTokens"],
        shuffle_dataset=False,
        temperature=1.0,
        loss_type="grpo",
        scale_rewards="group",
        beta=workload["klCoefficient"],
        use_bias_correction_kl=False,  # the published k3 estimate
        epsilon=workload["clip"],
        learning_rate=hyper["learningRate"],
        adam_beta1=hyper["betas"][0],
        adam_beta2=hyper["betas"][1],
        adam_epsilon=hyper["epsilon"],
        weight_decay=hyper["weightDecay"],
        max_grad_norm=hyper["maxGradNorm"],
        lr_scheduler_type="constant",
        max_steps=MAX_STEPS,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def recording(rollouts: list):
    """A trivial reward, the share of even tokens; notes what it has seen."""

    def even_share(prompts, completions, completion_ids, **_) -> list[float]:
        rewards = [sum(token % 2 == 0 for token in ids) / len(ids) for ids in completion_ids]
        rollouts.append({"completionIds": [list(ids) for ids in completion_ids], "rewards": rewards})
        return rewards

    return even_share


class Commands(TrainerCallback):
    """Lets the trainer take as many steps as a command asks, answers, and waits for the next command."""

    def __init__(self, workload: dict, rollouts: list) -> None:
        self._workload = workload
        self._rollouts = rollouts
        self._logs = []

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        send_ready("torch", "transformers", "trl")
        self._wait()

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        """The last thing that the loop does in a step."""
        self._logs.append(logs)
        if len(self._logs) < self._steps:
            return
        send(self._check() if self._checking else self._watch.elapsed())
        self._wait()

    def _wait(self) -> None:
        command = receive()
        self._checking = command["command"] == "check"
        self._steps = self._workload["checkSteps"] if self._checking else command["times"]
        self._logs.clear()
        self._rollouts.clear()
        self._watch = Stopwatch()

    def _check(self) -> dict:
        return {
            "numbers": {"gradient norm": [logs["grad_norm"] for logs in self._logs]},
            "rollouts": self._rollouts,
        }


if __name__ == "__main__":
    main()

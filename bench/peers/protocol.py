"""The peer's end of the bench protocol.

Commands arrive as JSON lines on stdin; answers leave as JSON lines on file descriptor 3, because libraries print to
stdout. A closed stdin ends the process.
"""

import json
import os
import sys
import time
from importlib.metadata import version


def set_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(threads)


def read_workload() -> dict:
    """The workload file named by the first argument: sizes, inputs and settings, the same for both sides."""
    with open(sys.argv[1], encoding="utf8") as file:
        return json.load(file)


def load_model(workload: dict):
    """The weights are f32 for training: bf16 is what its products are computed in, by autocast."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(workload["model"], dtype=torch.float32)


_answers = os.fdopen(3, "w")


def send(answer: dict) -> None:
    _answers.write(json.dumps(answer) + "\n")
    _answers.flush()


def send_ready(*packages: str) -> None:
    send({"versions": {name: version(name) for name in packages}})


def receive() -> dict:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


class Stopwatch:
    """Wall time and the CPU time of all threads of this process, from its construction on."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = time.process_time()

    def elapsed(self) -> dict:
        return {
            "wallSeconds": time.perf_counter() - self._wall,
            "cpuSeconds": time.process_time() - self._cpu,
        }


def serve(check, work) -> None:
    """Answers commands for ever: `check()` once to compare results, `work()` as often as a round asks."""
    while True:
        command = receive()
        if command["command"] == "check":
            send(check())
        else:
            watch = Stopwatch()
            for _ in range(command["times"]):
                work()
            send(watch.elapsed())

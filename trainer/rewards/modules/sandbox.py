"""The program of the process that runs a reward in a Python of the machine; reward.py says what it does with it.

Orders come as lines on stdin, answers go as lines to descriptor 3. It needs the standard library of Python 3.8 alone.
"""

import sys

HERE = sys.path.pop(0)  # in which there is nothing for a reward to import

import asyncio
import inspect
import json
import math
import os
import resource
import signal
import time
import types

FORMAT, TIMEOUT_SECONDS, MEMORY_MIB = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
LOAD_SECONDS = 60


def main():
    # A signal for the whole group is the trainer's to act on.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(3, "wb")
    os.set_inheritable(3, False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    reward = own("reward.py").Reward(FORMAT, MEMORY_MIB, f"what {sys.executable} has, and no other file")
    limit(resource.RLIMIT_AS, MEMORY_MIB << 20)
    for line in orders:  # without the trainer there is no next one
        order = json.loads(line)
        bound_time(LOAD_SECONDS if "source" in order else TIMEOUT_SECONDS)
        answer = reward.answer(order)
        if inspect.iscoroutine(answer):
            answer = asyncio.run(answer)
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def own(name):
    """A file beside this one."""
    module = types.ModuleType(name)
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        exec(compile(file.read(), name, "exec"), vars(module))
    return module


def bound_time(seconds):
    """The trainer ends what takes too long; this ends it where there is no trainer left that could."""
    limit(resource.RLIMIT_CPU, math.ceil(time.process_time() + seconds * (os.cpu_count() or 1)) + 1)


def limit(what, most):
    hard = resource.getrlimit(what)[1]
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    try:
        resource.setrlimit(what, (soft, hard))
    except (OSError, ValueError):
        pass  # macOS knows no limit of the address space


main()

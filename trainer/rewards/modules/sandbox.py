"""The program of the process that runs a reward in Python; sandbox.ts is that of a module, and protocol.ts what both are told and tell.

Orders come as lines on stdin, answers go as lines to descriptor 3. It needs the standard library of Python 3.8 alone.
"""

import sys

sys.path.pop(0)  # the directory of this file, in which there is nothing for a reward to import

import inspect
import json
import math
import os
import resource
import signal
import time
import traceback
import types

FORMAT, TIMEOUT_SECONDS, MEMORY_MIB = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
LOAD_SECONDS = 60

# What every row has, beside prompts and completions and the columns of its file; None where it has it not.
COLUMNS = ("answer", "id", "dataset", "domain", "language", "tools")


def main():
    # A signal for the whole group is the trainer's to act on.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(3, "wb")
    os.set_inheritable(3, False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    limit(resource.RLIMIT_AS, MEMORY_MIB << 20)
    reward = None
    for line in orders:  # without the trainer there is no next one
        order = json.loads(line)
        if "source" in order:
            reward = Reward(order["name"])
            answer = reward.load(order["source"], order.get("function"))
        else:
            answer = {"scores": reward.score(order["samples"])}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


class Reward:
    def __init__(self, name):
        self.name = name
        self.function = None
        self.columns = []

    def load(self, source, wanted):
        bound_time(LOAD_SECONDS)
        module = types.ModuleType("reward")
        sys.modules["reward"] = module
        try:
            exec(compile(source, self.name, "exec"), vars(module))
        except Exception as error:
            return {"refused": self.describe(error)}
        chosen, problem = choose(module, wanted)
        if problem is not None:
            return {"refused": problem}
        self.function = getattr(module, chosen)
        self.columns = needed_columns(self.function)
        problem = signature_problem(chosen, self.function, self.columns)
        return {"refused": problem} if problem else {"loaded": "gradeBatch", "columns": self.columns}

    def score(self, samples):
        bound_time(TIMEOUT_SECONDS)
        try:
            found = self.function(**arguments(samples, self.columns))
            if inspect.iscoroutine(found):
                import asyncio  # not needed by most, and slow to load

                found = asyncio.run(found)
            if isinstance(found, (str, bytes, dict)) or not hasattr(found, "__iter__"):
                raise TypeError(f"it gave {in_words(found)} for {len(samples)} completions; {EXPECTED}")
            scores = list(found)
            if len(scores) != len(samples):
                raise ValueError(f"it gave {len(scores)} scores for {len(samples)} completions; {EXPECTED}")
            return [read(each) for each in scores]
        except Exception as error:
            return [{"because": "error", "message": self.describe(error)}] * len(samples)

    def describe(self, error):
        """`line 3: TypeError: …`, the line of the reward's own file that is nearest to the fault."""
        if isinstance(error, MemoryError):
            return f"it took more than {MEMORY_MIB} MiB"
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == self.name]
        message = str(error)
        if isinstance(error, SyntaxError) and error.filename == self.name:
            lines, message = [error.lineno], error.msg
        if isinstance(error, ModuleNotFoundError):
            message += f"; expected a file that imports what {sys.executable} has, and no other file"
        return f"{f'line {lines[-1]}: ' if lines else ''}{type(error).__name__}: {message}"[:500]


EXPECTED = "expected a list of as many numbers or Nones"


def choose(module, wanted):
    """The name of the function, or why there is none."""
    own = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
    defines = f"it defines {', '.join(own) or 'no function'}"
    if wanted is None:
        problem = f"{defines}; expected one function, or the name of one in the field function"
        return (own[0], None) if len(own) == 1 else (None, problem)
    if not hasattr(module, wanted):
        return None, f"it has no {wanted}: {defines}"
    if not callable(getattr(module, wanted)):
        return None, f"its {wanted} is {in_words(getattr(module, wanted))}; expected a function"
    return wanted, None


def needed_columns(function):
    """What it cannot be called without, beside what every row has."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return []
    return [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and name not in ("prompts", "completions", *COLUMNS)
    ]


def signature_problem(name, function, columns):
    """Why it cannot be called as TRL calls it, known before the first completion."""
    try:
        inspect.signature(function).bind(**arguments([], columns))
        return None
    except (TypeError, ValueError) as error:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
        given = ", ".join(["prompts", "completions", *COLUMNS])
        return (
            f"{'' if line is None else f'line {line}: '}{name} cannot be called by TRL's keywords: {error}; "
            f"expected {name}(prompts, completions, **columns), which is given {given} and the columns of the data"
        )


def arguments(samples, columns):
    """As GRPOTrainer._calculate_rewards gives them, of prompts that are messages (conversational) or text (standard).

    columns: those that it needs, and gets where no row of the rollout has them.
    """
    is_chat = FORMAT == "conversational"
    rows = [row_of(sample) for sample in samples]
    names = dict.fromkeys([*COLUMNS, *columns, *(name for row in rows for name in row)])
    return {
        "prompts": [sample["row"]["messages"] if is_chat else sample["prompt"] for sample in samples],
        "completions": [
            [{"role": "assistant", "content": sample["completion"]}] if is_chat else sample["completion"]
            for sample in samples
        ],
        **{name: [row.get(name) for row in rows] for name in names},
    }


def row_of(sample):
    """A row with its answer, whose file may have names of its own for it, but not another answer, language or tools."""
    row = {**sample["row"], "answer": sample.get("answer")}
    own = {name: row.get(name) for name in COLUMNS}
    return {**own, **row.get("columns", {}), **{name: own[name] for name in ("answer", "language", "tools")}}


def read(value):
    """A score, or why there is none. To TRL None and NaN are the same."""
    if value is None:
        return {"because": "abstain", "message": "it gave None"}
    try:
        score = math.inf if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        score = math.inf
    if math.isnan(score):
        return {"because": "abstain", "message": "it gave NaN"}
    if math.isinf(score):
        return {"because": "error", "message": f"it gave {in_words(value)}; expected a finite number or None"}
    return score


def in_words(value):
    return str(value) if value is None or isinstance(value, (bool, float)) else f"a value of the type {type(value).__name__}"


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

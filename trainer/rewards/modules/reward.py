"""What is done with a reward in Python, by whatever interpreter: sandbox.py and pyodide-sandbox.ts are the programs that do it, and protocol.ts what
they are told and tell.

It needs the standard library of Python 3.8 alone.
"""

import inspect
import math
import sys
import traceback
import types

# What every row has, beside prompts and completions and the columns of its file; None where it has it not.
COLUMNS = ("answer", "id", "dataset", "domain", "language", "tools")


class Reward:
    def __init__(self, prompt_format, memory_mib, can_import):
        """can_import: what the file may import, for messages."""
        self.prompt_format = prompt_format
        self.memory_mib = memory_mib
        self.can_import = can_import
        self.name = ""
        self.function = None
        self.columns = []

    def answer(self, order):
        """The answer, or a coroutine of it where the function is async: a plain one may run an event loop of its own, as with TRL."""
        if "source" not in order:
            return self.score(order["samples"])
        self.name = order["name"]
        return self.load(order["source"], order.get("function"))

    def load(self, source, wanted):
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
        problem = signature_problem(chosen, self.function, self.prompt_format, self.columns)
        return {"refused": problem} if problem else {"loaded": "gradeBatch", "columns": self.columns}

    def score(self, samples):
        try:
            found = self.function(**arguments(samples, self.prompt_format, self.columns))
        except Exception as error:
            return self.failed(error, samples)
        return self.awaited(found, samples) if inspect.iscoroutine(found) else self.scores(found, samples)

    async def awaited(self, found, samples):
        try:
            scores = await found
        except Exception as error:
            return self.failed(error, samples)
        return self.scores(scores, samples)

    def scores(self, found, samples):
        try:
            if isinstance(found, (str, bytes, dict)) or not hasattr(found, "__iter__"):
                raise TypeError(f"it gave {in_words(found)} for {len(samples)} completions; {EXPECTED}")
            scores = list(found)
            if len(scores) != len(samples):
                raise ValueError(f"it gave {len(scores)} scores for {len(samples)} completions; {EXPECTED}")
            return {"scores": [read(each) for each in scores]}
        except Exception as error:
            return self.failed(error, samples)

    def failed(self, error, samples):
        return {"scores": [{"because": "error", "message": self.describe(error)}] * len(samples)}

    def describe(self, error):
        """`line 3: TypeError: …`, the line of the reward's own file that is nearest to the fault."""
        if isinstance(error, MemoryError):
            return f"it took more than {self.memory_mib} MiB"
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == self.name]
        message = str(error)
        if isinstance(error, SyntaxError) and error.filename == self.name:
            lines, message = [error.lineno], error.msg
        if isinstance(error, ModuleNotFoundError):
            message += f"; expected a file that imports {self.can_import}"
        if lines and isinstance(error, (TypeError, AttributeError)):
            message += OTHER_FORMAT[self.prompt_format] if MISTAKEN[self.prompt_format] in message else ""
        return f"{f'line {lines[-1]}: ' if lines else ''}{type(error).__name__}: {message}"[:500]


# What Python says of a completion that is taken for the other format's, and what to do.
MISTAKEN = {"conversational": "'list'", "standard": "string indices must be integers"}
OTHER_FORMAT = {
    "conversational": "; a completion is a list of messages, completion[0]['content'] its text: with format: standard it is the text",
    "standard": "; with format: standard a completion is a text, and with conversational a list of messages",
}

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
        rewards = own if len(own) == 1 else [name for name in own if takes_completions(getattr(module, name))]
        problem = f"{defines}; expected one function with a parameter completions, or the name of one in the field function"
        return (rewards[0], None) if len(rewards) == 1 else (None, problem)
    if not hasattr(module, wanted):
        return None, f"it has no {wanted}: {defines}"
    if not callable(getattr(module, wanted)):
        return None, f"its {wanted} is {in_words(getattr(module, wanted))}; expected a function"
    return wanted, None


def takes_completions(function):
    return "completions" in inspect.signature(function).parameters


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


def signature_problem(name, function, prompt_format, columns):
    """Why it cannot be called as TRL calls it, known before the first completion."""
    try:
        inspect.signature(function).bind(**arguments([], prompt_format, columns))
        return None
    except (TypeError, ValueError) as error:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
        given = ", ".join(["prompts", "completions", *COLUMNS])
        return (
            f"{'' if line is None else f'line {line}: '}{name} cannot be called by TRL's keywords: {error}; "
            f"expected {name}(prompts, completions, **columns), which is given {given} and the columns of the data"
        )


def arguments(samples, prompt_format, columns):
    """As GRPOTrainer._calculate_rewards gives them, of prompts that are messages (conversational) or text (standard).

    columns: those that it needs, and gets where no row of the rollout has them.
    """
    is_chat = prompt_format == "conversational"
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

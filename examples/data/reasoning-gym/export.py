"""Writes the folders beside it: tasks of reasoning-gym as JSONL, and demonstrations with mistakes for a model that knows nothing yet.

python3 -m venv ~/.cache/reasoning-gym && ~/.cache/reasoning-gym/bin/pip install reasoning-gym==0.1.25
~/.cache/reasoning-gym/bin/python examples/data/reasoning-gym/export.py [DIRECTORY]

A line is an entry as reasoning-gym (Apache-2.0) has it: {"question": …, "answer": …, "metadata": {…}}. For other tasks change TASKS:
those that nothing demonstrates are for models that know something already.
"""

import json
import re
import sys
from pathlib import Path
from random import Random

import reasoning_gym
from reasoning_gym.logic.aiw import TaskType

TASKS = {
    "chain_sum": {"min_terms": 2, "max_terms": 3, "min_digits": 1, "max_digits": 1},
    "spell_backward": {"min_word_len": 4, "max_word_len": 4},
    "aiw": {"task_types": [TaskType.SIBLINGS], "task_type_weights": [1], "max_entities": 8},
}
HELD_OUT, PROMPTS, DEMONSTRATIONS = 200, 300, 1000


def entries(task, settings, count):
    """Of a task, no two with the same question."""
    dataset = reasoning_gym.create_dataset(task, size=100_000, seed=7, **settings)
    found = {}
    for entry in dataset:
        found.setdefault(entry["question"], entry)
        if len(found) == count:
            return list(found.values())
    raise ValueError(f"{task}: found {len(found)} different questions, expected {count}")


def added(entry, wrong, draw):
    """Term by term; where it is wrong, one of the sums is."""
    value, *rest = entry["metadata"]["expression"].split()
    steps = list(zip(rest[::2], rest[1::2]))
    slip = draw.randrange(len(steps)) if wrong else None
    thought = []
    for at, (operator, term) in enumerate(steps):
        result = int(value) + int(term) * (1 if operator == "+" else -1)
        result += draw.choice([-2, -1, 1, 2]) if at == slip else 0
        thought.append(f"{value} {operator} {term} = {result}")
        value = result
    return f"<think>{', '.join(thought)}</think><answer>{value}</answer>"


def spelled(entry, wrong, draw):
    """Where it is wrong, a letter is missing, two have changed places, or the word is not turned around."""
    answer = entry["answer"]
    if wrong:
        at = draw.randrange(len(answer) - 1)
        swapped = answer[:at] + answer[at + 1] + answer[at] + answer[at + 2 :]
        answer = draw.choice([answer[:at] + answer[at + 1 :], swapped, entry["metadata"]["word"]])
    return f"<answer>{answer}</answer>"


def counted(entry, wrong, draw):
    """A brother has the sisters and her; where it is wrong, brothers are counted, or she is not."""
    count = {kind: number for number, kind in re.findall(r"(\d) (brother|sister)s", entry["question"])}
    if wrong and draw.random() < 0.5:
        return f"<think>{count['sister']}</think><answer>{count['sister']}</answer>"
    number = count["brother" if wrong else "sister"]
    return f"<think>{number} + 1 = {int(number) + 1}</think><answer>{int(number) + 1}</answer>"


def tried_again(entry, draw):
    """A wrong answer, what the user says of it where `refine` is on, and a second answer, which is right in one of two."""
    question, sisters = entry["question"], int(entry["answer"]) - 1
    first = counted(entry, True, draw)
    if first.endswith(f">{entry['answer']}</answer>"):  # as many brothers as sisters
        first = f"<think>{sisters}</think><answer>{sisters}</answer>"
    verdict = "That is wrong. Think again, and give another answer."
    turns = [question, first, verdict, counted(entry, draw.random() < 0.5, draw)]
    roles = ["user", "assistant", "user", "assistant"]
    return {"messages": [{"role": role, "content": turn} for role, turn in zip(roles, turns)]}


def write(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


DEMONSTRATED = {"chain_sum": added, "spell_backward": spelled, "aiw": counted}
directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
for task, settings in TASKS.items():
    rows = entries(task, settings, HELD_OUT + PROMPTS + (DEMONSTRATIONS if task in DEMONSTRATED else 0))
    write(directory / task / "held-out.jsonl", rows[:HELD_OUT])
    write(directory / task / "prompts.jsonl", rows[HELD_OUT : HELD_OUT + PROMPTS])
    if task in DEMONSTRATED:
        draw = Random(task)
        shown = [
            {"prompt": entry["question"], "completion": DEMONSTRATED[task](entry, draw.random() < 0.3, draw)}
            for entry in rows[HELD_OUT + PROMPTS :]
        ]
        write(directory / task / "demonstrations.jsonl", shown)
    if task == "aiw":
        draw = Random("second tries")
        shown = rows[HELD_OUT + PROMPTS :][: DEMONSTRATIONS // 2]
        write(directory / task / "second-tries.jsonl", [tried_again(entry, draw) for entry in shown])

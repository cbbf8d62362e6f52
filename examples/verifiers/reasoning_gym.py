# What is right in tasks of reasoning-gym: the scores of its score_answer (version 0.1.25, Apache-2.0), from the columns that its entries have.
# reasoning-gym itself is not needed. A task more is a line in `scorers`, and what its class says in score_answer.
import re
from decimal import Decimal


def score(completions, answer, metadata, **columns):
    """1 for a right answer, for a wrong one what reasoning-gym gives it for coming near."""
    return [_score(each[0]["content"], gold, entry) for each, gold, entry in zip(completions, answer, metadata)]


def _score(completion, gold, metadata):
    task = metadata["source_dataset"]
    if task not in scorers:
        raise ValueError(f"{task}: expected a task of {', '.join(scorers)}")
    found = _extract(completion)
    return 0.0 if found is None else scorers[task](found, gold)


def _extract(completion):
    """Of several answer tags the last one counts, wherever it stands: reasoning_gym.utils.extract_answer."""
    found = re.findall(r"<answer>\s?(.*?)\s?</answer>", completion, re.DOTALL)
    return found[-1].strip() if found else None


def _same_text(found, gold):
    """Of what holds the gold answer among other text the share that it is: ProceduralDataset.score_answer."""
    return len(gold) / len(found) if found and gold in found else 0.0


def _same_number(found, gold):
    """+01,000.00 is 1000: reasoning_gym.utils.compute_decimal_reward."""
    found, gold = found.replace(",", ""), gold.replace(",", "")
    try:
        if Decimal(found) == Decimal(gold):
            return 1.0
    except ArithmeticError:
        pass
    return _same_text(found, gold)


def _same_letters(found, gold):
    """The share of letters in their places; case does not count: SpellBackwardDataset.score_answer."""
    found, gold = found.lower(), gold.lower()
    if found == gold:
        return 1.0
    score = 0.0
    for one, other in zip(found, gold):
        score += 1 / len(gold) if one == other else 0
    return 0.8 if score == 1.0 else score


scorers = {
    "chain_sum": _same_number,
    "spell_backward": _same_letters,
    "aiw": _same_text,
}

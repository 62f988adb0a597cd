"""Labelled questions as question-passage pairs: how `train encoder` reads SQuAD's form beside two columns."""

from __future__ import annotations

from pathlib import Path

from index.datasets.question_passages import Pair, PairFile, read_pairs
from qa.squad.dataset import read_squad


def read_labelled_pairs(path: str | Path) -> PairFile:
    """The pairs of a SQuAD file (.json, .json.gz) or of a two-column one; raises DataError.

    A question without an answer is none of its paragraph, however much it looks like one.
    """
    path = Path(path)
    if not path.name.endswith((".json", ".json.gz")):
        return read_pairs(path)
    examples = read_squad(path).examples
    answered = [example for example in examples if example.answerable]
    usable = [example for example in answered if example.question.strip() and example.context.strip()]
    return PairFile(
        path=str(path),
        pairs=tuple(
            Pair(
                question=example.question.strip(),
                passage=example.context.strip(),
                title=example.title,
                answers=example.answer_texts,
            )
            for example in usable
        ),
        empty=tuple(
            f"question {example.id}"
            for example in answered
            if not (example.question.strip() and example.context.strip())
        ),
        unanswerable=len(examples) - len(answered),
    )

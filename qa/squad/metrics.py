"""Exact match and F1 by the official SQuAD rules, and the threshold that serves a file best.

The rules are those of the published v1.1 and v2.0 evaluation scripts: lower case, no ASCII punctuation, no
English articles, single blanks; the best of several gold answers counts; a question without gold answers has
the one gold answer ''. Where the two versions differ (texts of which normalising leaves nothing)
`official_scores` follows the one that is asked for. Files in a script that sets no blanks between words
(`by_letters`) are scored by the rules of MLQA (Lewis et al. 2020) instead: a letter is a word, and
punctuation of every script is left out. Pure functions over strings and numbers.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# Thai, Lao and Khmer letters and signs, kana, Chinese characters.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1780-\u17ff\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)

Normalise = Callable[[str], str]


def normalise_answer(text: str) -> str:
    """Lower case without punctuation, articles and surplus blanks.

    >>> normalise_answer("The  U.S. Senate!")
    'us senate'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def normalise_letters(text: str) -> str:
    """Lower case without punctuation of any script, each letter of a script without blanks a word.

    >>> normalise_letters("《红楼梦》 (Dream of 1791)。")
    '红 楼 梦 dream of 1791'
    """
    kept = "".join(
        letter
        for letter in text.lower().translate(_PUNCTUATION)
        if not unicodedata.category(letter).startswith("P")
    )
    return " ".join(_UNSPACED.sub(lambda letter: f" {letter.group()} ", kept).split())


def by_letters(contexts: Iterable[str]) -> bool:
    """Whether most letters of these texts belong to a script that sets no blanks between words."""
    letters = unspaced = 0
    for context in contexts:
        letters += sum(map(str.isalpha, context))
        unspaced += sum(letter.isalpha() for letter in _UNSPACED.findall(context))
    return 2 * unspaced > letters


def gold_answers(answers: Sequence[str], normalise: Normalise = normalise_answer) -> tuple[str, ...]:
    """The gold answers that count: those with something left after normalising, else ('',)."""
    return tuple(answer for answer in answers if normalise(answer)) or ("",)


def exact_match(prediction: str, golds: Sequence[str], normalise: Normalise = normalise_answer) -> float:
    """1.0 where the prediction is one of the golds after normalising, else 0.0."""
    return float(normalise(prediction) in {normalise(gold) for gold in golds})


def f1(prediction: str, golds: Sequence[str], normalise: Normalise = normalise_answer) -> float:
    """The best token overlap of the prediction with one gold: harmonic mean of precision and recall."""
    return max(_f1(normalise(prediction).split(), normalise(gold).split()) for gold in golds)


def _f1(predicted: Sequence[str], expected: Sequence[str]) -> float:
    if not predicted or not expected:
        return float(predicted == expected)
    common = (Counter(predicted) & Counter(expected)).total()
    # 2PR / (P + R) with P = common / predicted and R = common / expected
    return 2 * common / (len(predicted) + len(expected))


def official_scores(
    prediction: str, answers: Sequence[str], *, version: str, letters: bool = False
) -> tuple[float, float]:
    """Exact match and F1 as the script of that SQuAD version ("1.1" or "2.0") gives them.

    1.1 counts every gold answer as labelled, and gives no F1 for nothing against nothing. With `letters` the
    words are those of `normalise_letters`.
    """
    normalise = normalise_letters if letters else normalise_answer
    if version != "1.1":
        golds = gold_answers(answers, normalise)
        return exact_match(prediction, golds, normalise), f1(prediction, golds, normalise)
    words = [gold for gold in answers if normalise(gold)]
    overlap = f1(prediction, words, normalise) if words else 0.0
    return exact_match(prediction, answers, normalise), overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredQuestion:
    """One question for the choice of a threshold.

    `score` is what answering earns (exact match or F1 of `predicted`), `no_answer` how strongly the model
    holds that there is none (any scale), `answerable` whether there are gold answers.
    """

    predicted: str
    score: float
    no_answer: float
    answerable: bool

    @property
    def gain(self) -> float:
        """What answering earns beside refusing, but for the 1 that refusing an unanswerable one earns."""
        if self.answerable:
            return self.score
        return -1.0 if self.predicted else 0.0


def best_threshold(outcomes: Sequence[ScoredQuestion]) -> tuple[float, float]:
    """The best mean score (0 to 100) that one threshold on `no_answer` reaches, and that threshold.

    Questions at or below the threshold are answered, the others refused; a refusal earns 1 where there is
    no answer. As in the official script, refusing everything (threshold 0.0) is where the search starts.
    """
    if not outcomes:
        return 0.0, 0.0
    current = best = float(sum(not outcome.answerable for outcome in outcomes))
    threshold = 0.0
    for outcome in sorted(outcomes, key=lambda outcome: outcome.no_answer):
        current += outcome.gain
        if current > best:
            best, threshold = current, outcome.no_answer
    return 100 * best / len(outcomes), threshold

"""`spanwise models compare`: pairs of models on the same documents and questions, and one recommended.

    documents, questions -> a trial of each in its own process -> quality, speed, memory, size, agreement

Recommended is the fastest of those that are not worse than the best: their score is not lower by more than
the sampling error of the questions (paired bootstrap, 95 %). The score is F1, or for natural questions (those
with a kind) the share that a person would judge right (`judgement`). Where no answers are known, quality
cannot be compared; the questions on which the models differ are shown instead: those are worth labelling.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from index.checkpoints.presets import ModelChoice
from index.errors import DataError
from index.evaluation.bootstrap import Difference, compare
from ingest.errors import SpanwiseError
from qa.evaluation.compare_worker import Trial, TrialAnswer, weights_bytes
from qa.evaluation.judgement import is_right
from qa.reading.answer_equality import same_answer
from qa.squad.metrics import exact_match, f1

_ENOUGH = 20
_SHOWN = 10
_AGREE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A question and its right answers: None where they are unknown, () where there is none.

    `kind` is that of a natural question (fact, why, ...), None for one whose answers are judged by F1.
    """

    question: str
    golds: tuple[str, ...] | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A pair of models by name and its figures; quality only over questions with known answers.

    `exact`, `f1` and `right` (0 to 100) are of the best span over the answerable questions, `right` as a
    person would judge; `found` is the share of them with a right answer's words in a passage that was read,
    `answered` the share of all that would be given. `scores` (0 to 1) decide, one for each question.
    """

    name: str
    trial: Trial
    exact: float | None
    f1: float | None
    right: float | None
    found: float | None
    answered: float
    scores: tuple[float, ...]

    @property
    def milliseconds(self) -> float:
        """The median time of a question."""
        return statistics.median(answer.milliseconds for answer in self.trial.answers)

    @property
    def mean_score(self) -> float:
        """The mean of `scores`, from 0 to 100."""
        return 100 * _mean(self.scores)

    @property
    def passages_per_second(self) -> float:
        """The speed of ingesting."""
        return self.trial.passages / max(self.trial.ingest_seconds, 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The pair to take, None where the figures do not decide, and the reason."""

    name: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All models on `questions` over `documents`; `agreement` by pairs of names, `differ` as questions."""

    models: tuple[Measured, ...]
    questions: int
    labelled: int
    documents: int
    agreement: Mapping[tuple[str, str], float]
    differ: tuple[tuple[str, Mapping[str, str]], ...]
    recommendation: Recommendation

    def as_json(self) -> dict[str, Any]:
        """Everything but the answers themselves."""
        return {
            "questions": self.questions,
            "labelled": self.labelled,
            "documents": self.documents,
            "models": {item.name: _figures(item) for item in self.models},
            "agreement": [
                {"models": list(pair), "same_answer": share} for pair, share in self.agreement.items()
            ],
            "differ": [{"question": question, "answers": dict(texts)} for question, texts in self.differ],
            "recommendation": {
                "models": self.recommendation.name,
                "reason": self.recommendation.reason,
            },
        }


def compare_models(
    choices: Mapping[str, ModelChoice],
    documents: Sequence[Mapping[str, str]],
    asked: Sequence[AskedQuestion],
    *,
    k: int = 20,
    progress: Callable[[int, int, str], None] | None = None,
) -> Comparison:
    """Every pair of models (by the name it is shown under) on documents (id, title, text) and questions.

    Raises DataError where there is nothing to ask or to ask it of, and what loading a model raises.
    """
    if not documents or not asked:
        raise DataError(
            f"{len(documents)} documents and {len(asked)} questions are too few to compare on",
            hint="give --questions FILE, and ingest documents first unless the file brings its paragraphs",
        )
    for choice in choices.values():  # a missing model is reported before hours of work
        weights_bytes(choice.encoder, choice.reader)
    models = []
    for number, (name, choice) in enumerate(choices.items()):
        if progress:
            progress(number, len(choices), name)
        models.append(_measured(name, _trial(choice, documents, [item.question for item in asked], k), asked))
    labelled = sum(item.golds is not None for item in asked)
    agreement = {
        (one.name, other.name): _share_of_same(one.trial.answers, other.trial.answers)
        for one, other in combinations(models, 2)
    }
    return Comparison(
        models=tuple(models),
        questions=len(asked),
        labelled=labelled,
        documents=len(documents),
        agreement=agreement,
        differ=_differing(models, asked),
        recommendation=recommend(models, agreement, score="right" if _is_natural(asked) else "F1"),
    )


def _trial(
    choice: ModelChoice, documents: Sequence[Mapping[str, str]], questions: Sequence[str], k: int
) -> Trial:
    task = {
        "encoder": choice.encoder,
        "reader": choice.reader,
        "documents": documents,
        "questions": questions,
        "k": k,
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", "qa.evaluation.compare_worker"],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        raise SpanwiseError(
            f"{choice.encoder} with {choice.reader} failed: {last[0]}",
            hint="try it alone: spanwise ask --models ENCODER,READER",
        )
    content = json.loads(done.stdout)
    answers = tuple(
        TrialAnswer(**{**answer, "passages": tuple(answer["passages"])}) for answer in content.pop("answers")
    )
    return Trial(answers=answers, **content)


def _measured(name: str, trial: Trial, asked: Sequence[AskedQuestion]) -> Measured:
    judged = [
        (answer, item.golds, item.kind)
        for answer, item in zip(trial.answers, asked, strict=True)
        if item.golds  # what has no answer has no best span either
    ]
    overlaps = [f1(answer.text, golds) for answer, golds, _ in judged]
    rights = [float(is_right(answer.text, golds, kind or "fact")) for answer, golds, kind in judged]
    retrieved = [
        any(gold.casefold() in text.casefold() for gold in golds for text in answer.passages)
        for answer, golds, _ in judged
    ]
    return Measured(
        name=name,
        trial=trial,
        exact=100 * _mean([exact_match(answer.text, golds) for answer, golds, _ in judged])
        if judged
        else None,
        f1=100 * _mean(overlaps) if judged else None,
        right=100 * _mean(rights) if judged else None,
        found=_mean(retrieved) if judged else None,
        answered=_mean([answer.answered for answer in trial.answers]),
        scores=tuple(rights if _is_natural(asked) else overlaps),
    )


def _is_natural(asked: Sequence[AskedQuestion]) -> bool:
    """Whether answers are judged as a person would: every question with known answers has a kind."""
    return any(item.golds for item in asked) and all(item.kind for item in asked if item.golds)


def recommend(
    models: Sequence[Measured], agreement: Mapping[tuple[str, str], float], *, score: str = "F1"
) -> Recommendation:
    """The fastest of those that are not worse than the best, and the reason; `score` names the figure."""
    labelled = min(len(item.scores) for item in models)
    if labelled < _ENOUGH:
        return _unlabelled(models, agreement, labelled)
    best = max(models, key=lambda item: item.mean_score)
    against = {item.name: compare(item.scores, best.scores) for item in models if item is not best}
    as_good = [item for item in models if item is best or against[item.name].interval.high >= 0]
    chosen = min(as_good, key=lambda item: item.milliseconds)
    if chosen is best:
        others = [item for item in models if item is not best]
        slower = [item.name for item in others if item in as_good]
        return Recommendation(
            name=best.name,
            reason=f"the best answers ({score} {best.mean_score:.1f})"
            + _also_faster(slower)
            + (f"; {_worse(others, against)}" if len(slower) < len(others) else ""),
        )
    ratio = best.milliseconds / max(chosen.milliseconds, 1e-9)
    difference = against[chosen.name]
    return Recommendation(
        name=chosen.name,
        reason=f"{ratio:.1f} times as fast as {best.name}, and not clearly worse: {score} "
        f"{chosen.mean_score:.1f} against {best.mean_score:.1f}, {_interval(difference)} over {labelled} "
        "questions",
    )


def _also_faster(slower: Sequence[str]) -> str:
    if not slower:
        return ""
    verb = "is" if len(slower) == 1 else "are"
    return f", and faster than {' and '.join(slower)}, which {verb} not clearly worse"


def _worse(others: Sequence[Measured], against: Mapping[str, Difference]) -> str:
    worse = [
        f"{item.name} is worse ({_interval(against[item.name])})"
        for item in others
        if against[item.name].interval.high < 0
    ]
    return ", ".join(worse)


def _interval(difference: Difference) -> str:
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    return f"difference {100 * difference.mean:+.1f}, 95 % interval {low:+.1f} to {high:+.1f}"


def _unlabelled(
    models: Sequence[Measured], agreement: Mapping[tuple[str, str], float], labelled: int
) -> Recommendation:
    quickest = min(models, key=lambda item: item.milliseconds)
    shares = [share for pair, share in agreement.items() if quickest.name in pair]
    known = f"only {labelled} questions have a" if labelled else "no question has a"
    known += " known answer"
    if shares and min(shares) >= _AGREE:
        return Recommendation(
            name=quickest.name,
            reason=f"the fastest, and it gives the same answer as the others to at least "
            f"{100 * min(shares):.0f} % of the questions; {known}, so who is right elsewhere is open",
        )
    return Recommendation(
        name=None,
        reason=f"{known} ({_ENOUGH} are the least to judge by): write down the right answers where the "
        "models differ, and compare again",
    )


def _share_of_same(ours: Sequence[TrialAnswer], theirs: Sequence[TrialAnswer]) -> float:
    return _mean([_same(one.text, other.text) for one, other in zip(ours, theirs, strict=True)])


def _same(one: str, other: str) -> bool:
    return one == other if not one or not other else same_answer(one, other)


def _differing(
    models: Sequence[Measured], asked: Sequence[AskedQuestion]
) -> tuple[tuple[str, Mapping[str, str]], ...]:
    differing = []
    for number, item in enumerate(asked):
        texts = {model.name: model.trial.answers[number].text for model in models}
        first = next(iter(texts.values()))
        if not all(_same(first, text) for text in texts.values()):
            differing.append((item.question, texts))
    return tuple(differing[:_SHOWN])


def _figures(item: Measured) -> dict[str, Any]:
    return {
        "exact_forced": item.exact,
        "f1_forced": item.f1,
        "right_forced": item.right,
        "recall@k": item.found,
        "answered": item.answered,
        "p50_ms": item.milliseconds,
        "passages_per_second": item.passages_per_second,
        "passages": item.trial.passages,
        "load_seconds": item.trial.load_seconds,
        "bytes": item.trial.bytes,
        "peak_bytes": item.trial.peak_bytes,
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0

"""From answers to figures: scores of each question, their means, curves and bootstrap intervals.

The official rules stand in `qa.squad.metrics`, the statistics in `index.evaluation.calibration_curves` and
`index.evaluation.bootstrap`; here they are put together, once for a reader on its own and once for answers
over a collection. No model, no store.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np

from index.evaluation.bootstrap import Statistic, bootstrap
from index.evaluation.calibration_curves import Floats, bin_places, reliability, risk_coverage
from qa.evaluation.outcomes import FailureStage, Outcome
from qa.evaluation.reports import AnswersReport, ReaderReport, Share, Threshold
from qa.records import SpanCandidate
from qa.squad.dataset import SquadFile
from qa.squad.metrics import ScoredQuestion, best_threshold, by_letters, exact_match, f1, official_scores

# How strongly "no answer" is held where the reader proposes nothing: infinity is no JSON.
_NOTHING_PROPOSED = sys.float_info.max


def reader_report(
    squad: SquadFile,
    texts: Sequence[str],
    best: Sequence[SpanCandidate | None],
    seconds: float,
    alone_ms: Sequence[float],
) -> ReaderReport:
    """The report of `texts`, the answers given ('' for none), and of `best`, the best span of each question.

    Both are in the order of the file's examples; `alone_ms` are times of single questions.
    """

    letters = by_letters({example.context for example in squad.examples})

    def scored(predictions: Sequence[str]) -> list[tuple[float, float]]:
        return [
            official_scores(text, item.answer_texts, version=squad.version, letters=letters)
            for text, item in zip(predictions, squad.examples, strict=True)
        ]

    decided, forced = scored(texts), scored([span.text if span else "" for span in best])
    answerable = [example.answerable for example in squad.examples]
    statistics = {
        "exact": mean_percent([exact for exact, _ in decided]),
        "f1": mean_percent([overlap for _, overlap in decided]),
    }
    best_exact = best_f1 = None
    if squad.has_unanswerable:
        by_exact = _scored_questions([exact for exact, _ in forced], best, answerable)
        by_f1 = _scored_questions([overlap for _, overlap in forced], best, answerable)
        best_exact, best_f1 = _threshold(by_exact), _threshold(by_f1)
        statistics |= {"best_exact": best_percent(by_exact), "best_f1": best_percent(by_f1)}
    return ReaderReport(
        every=_share(decided),
        answerable=_share_of(decided, answerable),
        unanswerable=_share_of(decided, [not has for has in answerable]),
        best_exact=best_exact,
        best_f1=best_f1,
        intervals=bootstrap(statistics, len(texts)),
        risk_coverage=risk_coverage(
            [span.margin if span else float("-inf") for span in best],
            [
                bool(span and exact and has)
                for span, (exact, _), has in zip(best, forced, answerable, strict=True)
            ],
        ),
        seconds=seconds,
        p50_ms=float(np.percentile(alone_ms, 50)),
        p95_ms=float(np.percentile(alone_ms, 95)),
    )


def answers_report(outcomes: Sequence[Outcome]) -> AnswersReport:
    """The report of all questions asked of one collection; at least one."""
    decided = [(exact_match(item.decided, item.golds), f1(item.decided, item.golds)) for item in outcomes]
    forced = [(exact_match(item.forced, item.golds), f1(item.forced, item.golds)) for item in outcomes]
    given = [exact for item, (exact, _) in zip(outcomes, decided, strict=True) if item.result.answered]
    retrieved = [float(item.rank is not None) for item in outcomes if item.example.answerable]
    right = [item.forced_right for item in outcomes]
    confidences = [item.result.confidence for item in outcomes]
    latencies = [item.result.timings_ms["total"] for item in outcomes]
    stages = Counter(item.stage for item in outcomes)
    return AnswersReport(
        decided=_share(decided),
        forced=_share(forced),
        answered=len(given),
        accuracy_answered=_percent(given) / 100 if given else None,
        recall=_percent(retrieved) / 100 if retrieved else None,
        p50_ms=float(np.percentile(latencies, 50)),
        p95_ms=float(np.percentile(latencies, 95)),
        reliability=reliability(confidences, right),
        reliability_equal_mass=reliability(confidences, right, equal_mass=True),
        reliability_judged=reliability(confidences, [item.judged_right for item in outcomes]),
        risk_coverage=risk_coverage(confidences, right),
        intervals=bootstrap(
            {
                "exact": mean_percent([exact for exact, _ in decided]),
                "f1": mean_percent([overlap for _, overlap in decided]),
                "exact_forced": mean_percent([exact for exact, _ in forced]),
                "f1_forced": mean_percent([overlap for _, overlap in forced]),
                "ece": calibration_gap(confidences, right),
            },
            len(outcomes),
        ),
        failures={stage: stages[stage] for stage in FailureStage},
    )


def mean_percent(scores: Sequence[float]) -> Statistic:
    """For `bootstrap`: the mean of a score of 0 to 1, as 0 to 100."""
    values = 100 * np.asarray(scores, np.float64)
    return lambda counts: counts @ values / len(values)


def best_percent(outcomes: Sequence[ScoredQuestion]) -> Statistic:
    """For `bootstrap`: the best mean score (0 to 100) of one threshold, chosen again in every draw."""
    ordered = sorted(range(len(outcomes)), key=lambda place: outcomes[place].no_answer)
    gains = np.array([outcomes[place].gain for place in ordered])
    refused = np.array([not outcome.answerable for outcome in outcomes], np.float64)

    def best(counts: Floats) -> Floats:
        gained = np.cumsum(counts[:, ordered] * gains, axis=1).max(axis=1)
        total: Floats = 100 * (counts @ refused + np.maximum(gained, 0)) / len(outcomes)
        return total

    return best


def calibration_gap(confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10) -> Statistic:
    """For `bootstrap`: the expected calibration error over ranges of equal width."""
    values = np.asarray(confidences, np.float64)
    places = bin_places(values, np.arange(bins + 1) / bins)
    surplus = np.zeros((len(values), bins))
    surplus[np.arange(len(values)), places] = values - np.asarray(right, np.float64)

    def error(counts: Floats) -> Floats:
        gap: Floats = np.abs(counts @ surplus).sum(axis=1) / len(values)
        return gap

    return error


def _scored_questions(
    scores: Sequence[float], best: Sequence[SpanCandidate | None], answerable: Sequence[bool]
) -> list[ScoredQuestion]:
    return [
        ScoredQuestion(
            predicted=span.text if span else "",
            score=score,
            no_answer=-span.margin if span else _NOTHING_PROPOSED,
            answerable=has_answer,
        )
        for score, span, has_answer in zip(scores, best, answerable, strict=True)
    ]


def _threshold(outcomes: Sequence[ScoredQuestion]) -> Threshold:
    best, at = best_threshold(outcomes)
    return Threshold(best=best, at=at)


def _share(scored: Sequence[tuple[float, float]]) -> Share:
    return Share(
        exact=_percent([exact for exact, _ in scored]),
        f1=_percent([overlap for _, overlap in scored]),
        total=len(scored),
    )


def _share_of(scored: Sequence[tuple[float, float]], chosen: Sequence[bool]) -> Share | None:
    some = [scores for scores, counts in zip(scored, chosen, strict=True) if counts]
    return _share(some) if some else None


def _percent(scores: Sequence[float]) -> float:
    return 100 * sum(scores) / len(scores)

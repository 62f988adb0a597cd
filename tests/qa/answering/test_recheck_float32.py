"""What rounding could decide is read again exactly, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from index.records import Hit
from qa.answering.decision import Claim, DecisionSettings, decide
from qa.answering.recheck_float32 import close_passages, read_again
from qa.records import SpanCandidate

PLAIN = DecisionSettings(
    margin=1.0, score=0.0, log_rank=0.0, gap=0.0, coverage=0.0, cosine=0.0, no_answer=0.0, threshold=0.5
)


class Exact:
    """Says what it was given to say, of the first context."""

    name = fingerprint = "exact"

    def __init__(self, text: str, margin: float) -> None:
        self.text, self.margin = text, margin
        self.seen: list[str] = []

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        self.seen += contexts
        return [candidate(contexts[0], self.text, self.margin, 0)]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(*item) for item in asked]


def candidate(context: str, text: str, margin: float, place: int) -> SpanCandidate:
    start = context.index(text)
    return SpanCandidate(
        text=text, start=start, end=start + len(text), score=margin, null_score=0.0, context=place
    )


def claims(make_hit: Callable[..., Hit], *said: tuple[str, float]) -> list[Claim]:
    found = []
    for place, (text, margin) in enumerate(said):
        hit = make_hit(f"{text} wrote it", place + 1, document=f"d{place}", start=100 * place)
        found.append(Claim(candidate=candidate(hit.passage.text, text, margin, place), hit=hit, coverage=0.0))
    return found


def test_only_what_comes_near_the_best_is_read_again(make_hit: Callable[..., Hit]) -> None:
    found = claims(make_hit, ("Ada", 5.0), ("Bea", 4.8), ("Cleo", 1.0))
    ids = [claim.hit.passage.id for claim in found]
    assert close_passages(decide(found, PLAIN), PLAIN) == ids[:2]
    sure = claims(make_hit, ("Ada", 9.0), ("Bea", 4.8))
    assert close_passages(decide(sure, PLAIN), PLAIN) == [sure[0].hit.passage.id]
    assert close_passages(decide([], PLAIN), PLAIN) == []


def test_the_exact_reading_decides(make_hit: Callable[..., Hit]) -> None:
    found = claims(make_hit, ("Ada", 5.0), ("Bea", 4.8), ("Cleo", 1.0))
    reader = Exact("Ada wrote", 4.0)
    again = read_again("who?", found, [found[0].hit.passage.id], reader)
    assert reader.seen == ["Ada wrote it"]
    assert [claim.candidate.text for claim in again] == ["Ada wrote", "Bea", "Cleo"]
    assert [claim.candidate.context for claim in again] == [0, 1, 2]
    assert decide(again, PLAIN).ranked[0].claim.candidate.text == "Bea"

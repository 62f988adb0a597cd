"""Chunking measured: spans that stay whole, and scores that can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.datasets.chunking_references import ReferencedQuestion, ReferenceSet
from index.errors import DataError
from index.evaluation.chunking import DEPTHS, evaluate_chunking
from index.models.encoder import load_encoder
from index.protocols import Encoder
from ingest.records import Span

SHARED = Path(__file__).parents[4] / "shared" / "data" / "chunking"
SENTENCES = [
    f"Lamp number {number} stands upon the rock called {chr(65 + number)}x. " for number in range(24)
]
TEXT = "".join(SENTENCES).strip()


def span_of(first: int, last: int) -> Span:
    start = sum(map(len, SENTENCES[:first]))
    return Span(start=start, end=start + len("".join(SENTENCES[first : last + 1]).strip()))


def question(words: str, *spans: Span) -> ReferencedQuestion:
    return ReferencedQuestion(question=words, corpus="lamps", references=spans)


def test_one_passage_that_is_the_whole_text_by_hand(hashing_encoder: Encoder) -> None:
    given = ReferenceSet(
        texts={"lamps": "The lamp burns. The keeper sleeps.", "tides": "High tide comes at noon."},
        questions=(question("lamp keeper", Span(start=0, end=15)),),
    )
    report = evaluate_chunking(given, encoder=hashing_encoder, mode="lexical")
    (row,) = report.rows
    assert (row.passages, row.whole) == (2, 1.0)
    assert [scores.depth for scores in row.depths] == list(DEPTHS)
    for scores in row.depths:
        assert (scores.whole, scores.recall, scores.characters) == (1.0, 1.0, 34)
        assert scores.precision == scores.iou == pytest.approx(15 / 34)


def test_small_passages_tear_long_spans_and_large_ones_bring_more_text(hashing_encoder: Encoder) -> None:
    given = ReferenceSet(
        texts={"lamps": TEXT},
        questions=(
            question("rock called Cx", span_of(2, 2)),
            question("which lamps stand there", span_of(4, 9), span_of(11, 11)),
        ),
    )
    report = evaluate_chunking(given, encoder=hashing_encoder, sizes=[32, 240, 254, 900], overlaps=[0])
    small, large, *cut = report.rows
    assert [row.settings.max_tokens for row in cut] == [254]
    assert small.whole == pytest.approx(2 / 3)
    assert small.passages > large.passages
    assert small.depths[0].characters < large.depths[0].characters
    assert small.depths[0].precision > 0
    figures = report.as_json()
    assert (figures["questions"], figures["references"], figures["documents"]) == (2, 3, 1)
    row = figures["settings"][0]  # type: ignore[index]
    assert (row["size"], row["overlap"], row["whole"]) == (32, 0, small.whole)
    assert {f"{name}@{depth}" for name in ("whole", "recall", "precision", "iou") for depth in DEPTHS} <= {
        *row
    }


def test_text_that_comes_twice_counts_twice(hashing_encoder: Encoder) -> None:
    given = ReferenceSet(texts={"lamps": TEXT}, questions=(question("lamp rock", span_of(0, 23)),))
    plain, overlapping = evaluate_chunking(
        given, encoder=hashing_encoder, sizes=[64], overlaps=[0, 24], mode="lexical"
    ).rows
    assert plain.depths[-1].recall == pytest.approx(overlapping.depths[-1].recall, abs=0.01)
    assert plain.depths[-1].precision == pytest.approx(1.0, abs=0.02)
    assert overlapping.depths[-1].precision < 0.9
    assert overlapping.depths[-1].characters > len(TEXT)


def test_an_overlap_that_fits_no_size_is_an_error(hashing_encoder: Encoder) -> None:
    given = ReferenceSet(texts={"lamps": TEXT}, questions=(question("lamp", span_of(0, 0)),))
    with pytest.raises(DataError, match="overlap"):
        evaluate_chunking(given, encoder=hashing_encoder, sizes=[32], overlaps=[20])


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/chunking")
def test_the_default_chunking_keeps_answers_together() -> None:
    (row,) = evaluate_chunking(SHARED, encoder=load_encoder()).rows
    assert row.whole >= 0.9

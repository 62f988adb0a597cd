"""Why an answer was given: the reader's words beside the scores and rivals that the result holds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from index.errors import ModelError, ModelNotFound
from index.protocols import Encoder
from index.records import Hit
from index.store.store import Store
from ingest.records import Text
from qa import Explainer
from qa.answering.answerer import Answerer
from qa.explanation.records import Competitor, Evidence, Method
from qa.reading.reader import load_reader
from qa.records import Answer, AskResult

PASSAGE = "The log says it was introduced by Liu in 2019."


@pytest.fixture
def result(make_hit: Callable[..., Hit]) -> AskResult:
    """Two answers, "Liu" and "2019", of the second hit's passage, which begins at 100."""
    hit = replace(make_hit(PASSAGE, 2, 0.5, start=100), lexical_score=7.5)
    answers = tuple(
        Answer(
            text=text,
            confidence=confidence,
            span_score=3.0,
            retrieval_score=hit.score,
            document=hit.document,
            page=None,
            headings=(),
            start=100 + PASSAGE.index(text),
            end=100 + PASSAGE.index(text) + len(text),
            sentence=PASSAGE,
            passage=hit.passage,
        )
        for text, confidence in (("Liu", 0.7), ("2019", 0.2))
    )
    return AskResult(
        question="Who introduced it, says the log?",
        answered=True,
        confidence=0.7,
        reason=None,
        answers=answers,
        passages=(make_hit("Another passage.", 1), hit),
    )


def test_scores_words_and_rivals_of_an_answer(tiny_roberta_reader: Path, result: AskResult) -> None:
    first, second = result.answers
    why = Explainer(str(tiny_roberta_reader), steps=4).explain(result, first)
    assert (why.answer, why.confidence, why.span_score, why.agreement) == ("Liu", 0.7, 3.0, 0)
    assert why.evidence == Evidence(rank=2, score=0.5, dense_score=0.5, lexical_score=7.5, coverage=1.0)
    assert why.competitors == (
        Competitor(
            text="2019",
            confidence=0.2,
            span_score=3.0,
            title="d1",
            path=second.document.path,
            page=None,
        ),
    )
    found = why.attribution
    assert found.method is Method.INTEGRATED
    assert [word.text for word in found.question if word.text.isalpha()] == [
        *("Who", "introduced", "it", "says", "the", "log")
    ]
    assert all(PASSAGE[word.start : word.end] == word.text for word in found.passage)


def test_an_explainer_is_shared_between_threads(tiny_roberta_reader: Path, result: AskResult) -> None:
    explainer = Explainer(str(tiny_roberta_reader), method=Method.GRADIENT)
    with ThreadPoolExecutor(4) as pool:
        whys = list(pool.map(lambda answer: explainer.explain(result, answer), result.answers * 4))
    assert whys[:2] * 4 == whys
    assert whys[0] != whys[1]


def test_an_answer_of_another_result_is_refused(tiny_roberta_reader: Path, result: AskResult) -> None:
    with pytest.raises(ValueError, match="passage of this result"):
        Explainer(str(tiny_roberta_reader)).explain(replace(result, passages=()), result.answers[0])


def test_what_cannot_explain_is_named(tiny_roberta_encoder: Path, result: AskResult) -> None:
    with pytest.raises(ModelError, match="no question-answering head"):
        Explainer(str(tiny_roberta_encoder)).explain(result, result.answers[0])
    with pytest.raises(ModelNotFound):
        Explainer("./nowhere").explain(result, result.answers[0])


def test_an_answer_of_the_bundled_reader_is_explained(tmp_path: Path, hashing_encoder: Encoder) -> None:
    with Store.open(tmp_path / "store", create=True, encoder=hashing_encoder) as store:
        store.add([Text(id="ada", text="Ada Lovelace wrote the first program in 1843.", title="Ada")])
        # Not the engine that was fastest here: how near the figures are depends on it.
        answerer = Answerer(store, load_reader("pocket", engine="onnx-fp32"))
        result = answerer.ask("Who wrote the first program?", always_answer=True)
        why = Explainer(answerer.reader.name).explain(result, result.answers[0])
    assert why.answer == "Ada Lovelace"
    assert why.attribution.target_log_odds == pytest.approx(why.span_score, abs=0.01)
    assert why.evidence.rank == 1
    assert why.evidence.coverage == 1.0

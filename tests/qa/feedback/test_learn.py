"""Learning from verdicts: what is held out, a reader made of them, a confidence fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from index.errors import DataError
from index.protocols import Encoder
from index.store.store import Store
from ingest.records import Text
from qa.feedback.learn import learn_confidence, learn_reader, split
from qa.feedback.verdicts import Verdict, verdict_on, verdict_on_refusal
from qa.reading.reader import load_reader
from qa.records import SpanCandidate
from qa.squad.dataset import Example, SquadFile

COLOURS = ("red", "blue", "green", "white", "black")


class FirstColourReader:
    """Answers with the first colour of a context, surely where the question names the context's shed."""

    name = "first-colour"
    fingerprint = "first-colour-1"

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        return [self._span(question, context, index) for index, context in enumerate(contexts)]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]

    def _span(self, question: str, context: str, index: int) -> SpanCandidate:
        colour = next(word for word in COLOURS if word in context)
        start = context.index(colour)
        sure = question.rstrip("?").rpartition(" ")[2] in context.split()
        return SpanCandidate(
            text=colour,
            start=start,
            end=start + len(colour),
            score=5.0 if sure else -3.0,
            null_score=0.0,
            context=index,
        )


def teach(store: Store, number: int, *, refusals: int = 0) -> None:
    """A document and the right words for each of so many sheds, and questions without an answer."""
    sheds = [f"Shed s{n} by the harbour was painted {COLOURS[n % 5]} last year." for n in range(number)]
    store.add([Text(id=f"shed-{n}", title=f"Shed {n}", text=text) for n, text in enumerate(sheds)])
    for info in store.documents():
        document = store.document(info.id)
        colour = next(word for word in COLOURS if word in document.text)
        start = document.text.index(colour)
        shed = document.text.split()[1]
        said = verdict_on(
            f"What colour has shed {shed}?",
            Verdict.SPAN,
            document,
            start,
            start + len(colour),
            paragraph=(0, len(document.text)),
        )
        store.add_feedback(said)
    for n in range(refusals):
        store.add_feedback(verdict_on_refusal(f"Who built castle c{n}?", Verdict.RIGHT))


def test_whole_paragraphs_are_held_out_and_always_the_same_ones() -> None:
    examples = [
        Example(id=f"{n}", question="?", context=f"paragraph {n // 3}", title="", answers=())
        for n in range(30)
    ]
    learnt, held_out = split(examples)
    assert not {item.context for item in learnt} & {item.context for item in held_out}
    assert len({item.context for item in held_out}) == 3
    assert split(examples[::-1])[1] == held_out[::-1]
    assert split(examples[:3]) == (examples[:3], [])


def test_a_reader_is_made_of_verdicts_and_compared_with_the_one_before(
    tmp_path: Path, hashing_encoder: Encoder, tiny_roberta_reader: Path
) -> None:
    with Store.open(
        tmp_path / "store", create=True, models=f",{tiny_roberta_reader}", encoder=hashing_encoder
    ) as store:
        teach(store, 24)
        general = SquadFile(
            path="general",
            examples=(Example(id="g", question="Who?", context="The bus leaves.", title="", answers=()),),
            wrong_offsets=0,
            version="2.0",
        )
        heard: list[tuple[int, int]] = []
        learned = learn_reader(
            store,
            tmp_path / "out",
            general=general,
            epochs=0.5,
            progress=lambda done, total: heard.append((done, total)),
        )
        assert (learned.learnt, learned.held_out) == (18, 6)
        assert learned.before.keys() == learned.after.keys()
        assert learned.general_before["questions"] == 1
        assert learned.as_json()["better"] == (learned.after["f1"] >= learned.before["f1"])
        assert load_reader(str(tmp_path / "out")).read("Who?", ["The bus leaves."]) is not None
        assert heard
        store.read_with(str(tmp_path / "out"))
    with Store.open(tmp_path / "store", encoder=hashing_encoder) as again:
        assert again.models.reader == str(tmp_path / "out")


def test_confidence_is_fitted_to_verdicts_asked_of_the_store(store: Store, hashing_encoder: Encoder) -> None:
    teach(store, 24, refusals=16)
    found = learn_confidence(store, FirstColourReader(), hashing_encoder)
    assert (found.questions, found.unanswerable) == (40, 16)
    assert found.path.is_file()
    assert found.after["ece"] < found.before["ece"]
    assert found.after["refused"] == 1.0


def test_too_few_verdicts_are_said_before_any_work(
    store: Store, tmp_path: Path, hashing_encoder: Encoder
) -> None:
    teach(store, 5)
    with pytest.raises(DataError, match="5 labelled questions"):
        learn_reader(store, tmp_path / "out")
    with pytest.raises(DataError, match="5 questions whose right answer is known"):
        learn_confidence(store, FirstColourReader(), hashing_encoder)
    assert not (tmp_path / "out").exists()

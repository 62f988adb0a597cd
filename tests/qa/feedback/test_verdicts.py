"""Verdicts: what follows from them, and that a file of them loses nothing on the way out and back."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import DataError
from index.records import Feedback
from index.store.store import Store
from ingest.records import Document, Text
from qa.feedback.squad_files import read_verdicts, verdicts_json, write_verdicts
from qa.feedback.verdicts import (
    Paragraph,
    Verdict,
    labelled_paragraphs,
    questions_of_collection,
    verdict_on,
    verdict_on_refusal,
)
from qa.squad.dataset import read_squad

TEXT = "😀 Ellery lies by the sea. Its mayor is Agnes Thorne. Agnes Thorne has two dogs."
QUESTION = "Who is the mayor?"


@pytest.fixture
def document(store: Store) -> Document:
    store.add([Text(id="town", title="Ellery", text=TEXT)])
    return store.document(store.documents()[0].id)


def on(
    document: Document, words: str, verdict: Verdict, *, question: str = QUESTION, nth: int = 0
) -> Feedback:
    start = document.text.find(words)
    for _ in range(nth):
        start = document.text.find(words, start + 1)
    return verdict_on(
        question,
        verdict,
        document,
        start,
        start + len(words),
        paragraph=(0, len(document.text)),
        author="Ada",
    )


def test_right_words_are_an_answer_at_their_own_place_and_wrong_ones_are_plausible(
    store: Store, document: Document
) -> None:
    for item in (
        on(document, "Agnes Thorne", Verdict.SPAN, nth=1),
        on(document, "the sea", Verdict.WRONG),
        on(document, "two dogs", Verdict.WRONG, question="Who is the king?"),
    ):
        assert store.add_feedback(item)
    answerable, impossible = (
        article["paragraphs"][0]["qas"][place] for article in verdicts_json(store)["data"] for place in (0, 1)
    )
    assert answerable["answers"] == [{"text": "Agnes Thorne", "answer_start": TEXT.rindex("Agnes Thorne")}]
    assert answerable["is_impossible"] is False
    assert answerable["plausible_answers"][0]["text"] == "the sea"
    assert impossible["is_impossible"] is True
    assert impossible["answers"] == []


def test_the_last_word_counts(store: Store, document: Document) -> None:
    first = on(document, "Agnes Thorne", Verdict.RIGHT)
    taken_back = replace(first, verdict=Verdict.WRONG.value, created_ns=first.created_ns + 1)
    (found,) = labelled_paragraphs([taken_back, first], store)
    assert found.answers == ()
    assert [item.text for item in found.wrong] == ["Agnes Thorne"]
    assert questions_of_collection([first, taken_back]) == []
    assert questions_of_collection([first])[0].answer_texts == ("Agnes Thorne",)


def test_a_refusal_called_right_is_a_question_without_answer_and_called_wrong_is_none(
    store: Store, document: Document
) -> None:
    near = Paragraph(title="Ellery", text=TEXT)
    right = verdict_on_refusal("Who is the king?", Verdict.RIGHT, nearest=near)
    wrong = verdict_on_refusal("Who is the queen?", Verdict.WRONG, nearest=near)
    for item in (right, wrong):
        store.add_feedback(item)
    content = verdicts_json(store)
    (question,) = content["data"][0]["paragraphs"][0]["qas"]
    assert (question["question"], question["is_impossible"]) == ("Who is the king?", True)
    assert [item["question"] for item in content["unplaced_verdicts"]] == ["Who is the queen?"]
    assert [item.question for item in questions_of_collection([right, wrong])] == ["Who is the king?"]


def test_a_verdict_outlives_its_document_and_one_without_paragraph_is_found_again(
    store: Store, document: Document, tmp_path: Path
) -> None:
    kept = on(document, "Agnes Thorne", Verdict.RIGHT)
    bare = Feedback(
        question="Where?", verdict="right", content_sha256=kept.content_sha256, quote="the sea", start=5
    )
    for item in (kept, bare):
        store.add_feedback(item)
    file = tmp_path / "verdicts.json.gz"
    assert write_verdicts(store, file).questions == 2
    assert read_squad(file).wrong_offsets == 0
    store.delete(["town"])
    written = write_verdicts(store, file)
    assert (written.verdicts, written.questions, written.unplaced) == (2, 1, 1)
    with gzip.open(file) as opened:
        assert json.load(opened)["version"] == "v2.0"


def test_labels_of_a_file_from_elsewhere_are_found_in_the_documents(
    store: Store, document: Document, tmp_path: Path
) -> None:
    paragraph = TEXT[2:52]
    place = paragraph.index("Agnes")
    qas = [
        {"id": 1, "question": QUESTION, "answers": [{"text": "Agnes Thorne", "answer_start": place}]},
        {"id": 2, "question": "Who is the king?", "answers": [], "is_impossible": True},
    ]
    strange = [{"id": 3, "question": "What?", "answers": [{"text": "Nowhere", "answer_start": 0}]}]
    file = tmp_path / "labels.json"
    paragraphs = [{"context": paragraph, "qas": qas}, {"context": "Nowhere at all.", "qas": strange}]
    file.write_text(json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}))
    read = read_verdicts(file, store, author="Ada")
    assert (read.added, read.known, read.unknown_paragraphs) == (2, 0, 1)
    span, refusal = store.feedback()
    assert span.start is not None
    assert document.text[span.start :].startswith("Agnes Thorne. Agnes")
    assert refusal.content_sha256 is None
    again = read_verdicts(file, store, author="Ada")
    assert (again.added, again.known) == (0, 2)


def test_a_damaged_verdict_is_named(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "damaged.json"
    file.write_text('{"data": [], "unplaced_verdicts": [{"verdict": "right"}]}')
    with pytest.raises(DataError, match="verdict"):
        read_verdicts(file, store)
    file.write_text('{"data": 3}')
    with pytest.raises(DataError):
        read_verdicts(file, store)


def test_a_verdict_is_taken_back(store: Store, document: Document) -> None:
    item = on(document, "Agnes Thorne", Verdict.RIGHT)
    store.add_feedback(item)
    assert store.remove_feedback(item)
    assert store.feedback() == ()


def test_no_span_is_refused(document: Document) -> None:
    with pytest.raises(ValueError, match="no span"):
        verdict_on(QUESTION, Verdict.SPAN, document, 5, 5, paragraph=(0, 10))


_texts = st.text(st.characters(codec="utf-8"), max_size=30)
_verdicts = st.builds(
    Feedback,
    question=_texts,
    verdict=st.sampled_from(["right", "wrong", "span"]),
    content_sha256=st.none() | st.just("ab" * 32),
    quote=st.none() | _texts,
    start=st.none() | st.integers(0, 50),
    author=_texts,
    comment=_texts,
    created_ns=st.integers(0, 2**60),
    details=st.dictionaries(st.sampled_from(["title", "paragraph", "paragraph_start", "k"]), _texts),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(_verdicts, min_size=1, max_size=6))
def test_nothing_is_lost_on_the_way_out_and_back(store: Store, tmp_path: Path, said: list[Feedback]) -> None:
    for item in store.feedback():
        store.remove_feedback(item)
    for item in said:
        store.add_feedback(item)
    before = store.feedback()
    write_verdicts(store, tmp_path / "all.json")
    for item in before:
        store.remove_feedback(item)
    assert read_verdicts(tmp_path / "all.json", store).added == len(before)
    key = repr
    assert sorted(store.feedback(), key=key) == sorted(before, key=key)

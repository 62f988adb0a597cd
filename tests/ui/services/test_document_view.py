"""What is shown of a document, what is marked in it, and what is taken along."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.records import Document, Heading, Page, Span
from ui.page.fragments.base import plain_label
from ui.page.fragments.document import document_text
from ui.render.highlight import highlighted
from ui.render.messages import ENGLISH
from ui.services.document_view import WINDOW, blocks, occurrences, window
from ui.services.example_questions import candidates

TEXT = "Rules\n\n1 Gates\n\nThe gate opens at 7. A gate of 75 kg.\n\nThe  gate\nopens <b>late</b>."


def document(text: str = TEXT) -> Document:
    return Document(
        id="d",
        content_sha256="s",
        path="/a.md",
        title="Rules",
        text=text,
        type="md",
        headings=(Heading(level=1, title="Rules", start=0), Heading(level=2, title="Gates", start=7)),
        pages=(Page(number=1, start=0, end=16), Page(number=2, start=16, end=len(text))),
    )


def test_blocks_are_headings_and_paragraphs_in_their_order() -> None:
    shown = document()
    found = list(blocks(shown, Span(start=0, end=len(TEXT))))
    assert [(TEXT[block.start : block.end].strip(), block.level, block.page) for block in found] == [
        ("Rules", 1, 1),
        ("1 Gates", 2, None),
        ("The gate opens at 7. A gate of 75 kg.", 0, 2),
        ("The  gate\nopens <b>late</b>.", 0, None),
    ]


def test_occurrences_are_whole_words_whatever_the_case_and_space() -> None:
    assert [TEXT[span.start : span.end] for span in occurrences(TEXT, "the GATE opens")] == [
        "The gate opens",
        "The  gate\nopens",
    ]
    assert [span.start for span in occurrences(TEXT, "7")] == [TEXT.index("7.")]
    assert occurrences(TEXT, " ") == []
    assert len(occurrences("渡轮中午开，渡轮", "渡轮")) == 2


def test_the_place_is_marked_strongly_and_its_like_lightly() -> None:
    first, second = occurrences(TEXT, "the gate opens")
    shown = document_text(document(), Span(start=0, end=len(TEXT)), second, [first, second], ENGLISH)
    assert '<mark class="sw-also-here">The gate opens</mark> at 7' in shown
    assert '<mark class="sw-here">The  gate\nopens</mark> &lt;b&gt;late' in shown
    assert "<h2>Rules</h2>" in shown


@given(st.integers(0, 200_000), st.integers(0, 3_000))
def test_a_window_holds_its_span_and_stays_small(start: int, length: int) -> None:
    text = ("word " * 20 + "\n\n") * 2000
    start = min(start, len(text))
    end = min(start + length, len(text))
    part = window(document(text), start, end)
    assert part.start <= start
    assert end <= part.end <= len(text)
    assert len(part) <= 2 * WINDOW


@given(st.text(), st.text())
def test_highlighting_leaves_the_text_as_it_is(text: str, query: str) -> None:
    assert "".join(piece.text for piece in highlighted(text, query, "en")) == text


def test_words_are_marked_by_their_stems_and_empty_ones_are_not() -> None:
    marked = [piece.text for piece in highlighted("The ferry and ferries.", "where are the ferries", "en")]
    assert marked == ["The ", "ferry", " and ", "ferries", "."]
    assert [piece.text for piece in highlighted("冬天渡轮开。", "渡轮", "zh") if piece.marked] == ["渡轮"]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (
            "Towns met. The Harbour Trust was founded in 1871.",
            "When was the Harbour Trust founded?",
        ),
        ("Word2vec was introduced at Google by Tomas Mikolov.", "Who introduced Word2vec?"),
        ("Skip-gram is a form of word2vec.", "What is Skip-gram?"),
        ("The old mill was built by hand in 1788.", "When was the old mill built?"),
        ("PEP stands for Python Enhancement Proposal.", "What does PEP stand for?"),
        ("The capital of Kenya is Nairobi.", "What is the capital of Kenya?"),
        ("# How do I reset my key?\n\nPress both buttons.", "How do I reset my key?"),
    ],
)
def test_questions_are_made_of_what_stands_there(text: str, question: str) -> None:
    assert question in candidates(text)


def test_no_question_is_made_of_words_that_point_elsewhere() -> None:
    assert candidates("It was founded in 1871. This is a test. There are the rules.") == []
    assert (
        candidates("This PEP is a draft.\n\nHow far should we take this?\n\nThe following was built in 1900.")
        == []
    )


def test_labels_of_buttons_show_signs_as_they_are() -> None:
    assert plain_label("![x](http://a)") == r"\!\[x\]\(http\:\/\/a\)"
    assert len(plain_label("a" * 999)) < 210
    assert json.loads(json.dumps(plain_label("a\nb"))) == "a b"


def test_a_table_runs_nothing() -> None:
    from ui.render.tables import to_csv

    rows = list(csv.reader(io.StringIO(to_csv(("a",), [("=1+1",), ("plain",)]).decode("utf-8-sig"))))
    assert rows[1][0] != "=1+1"
    assert rows[2] == ["plain"]

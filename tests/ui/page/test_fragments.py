"""Highlights stand at their offsets, and no text reaches HTML unescaped."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import DocumentInfo, Hit, SearchResult, StoredPassage
from qa.records import Answer, AskResult, Reason
from ui.page.fragments import base, search
from ui.page.fragments.answer import answer_card, closest_card, other_answer, passage_panel, refusal_card
from ui.page.fragments.static import static_file
from ui.render import phrasing
from ui.render.messages import ENGLISH

TEXT = "To be, or not to be. That is the question. To be, or not to be. So he asked."
MARKUP = "<script>alert('x')</script><img src=x onerror=alert(1)>&\"'"


def document(*, path: str = "/books/hamlet.txt", title: str = "Hamlet") -> DocumentInfo:
    return DocumentInfo(
        id="d1",
        path=path,
        title=title,
        language="en",
        type="txt",
        characters=1000,
        passages=1,
        modified=datetime(2024, 5, 31, tzinfo=UTC),
        paths=(path,),
    )


def answer(
    text: str = TEXT, start: int = 0, end: int = 5, *, sentence: str = "", offset: int = 100
) -> Answer:
    """An answer at [start, end) of a passage that begins at `offset` of its document."""
    return Answer(
        text=text[start:end],
        confidence=0.9,
        span_score=4.0,
        retrieval_score=0.7,
        document=document(),
        page=3,
        headings=("Hamlet", "Act III"),
        start=offset + start,
        end=offset + end,
        sentence=sentence,
        passage=StoredPassage(id=1, document_id="d1", text=text, start=offset, end=offset + len(text)),
    )


def hit(text: str = TEXT, *, title: str = "Hamlet", path: str = "/books/hamlet.txt") -> Hit:
    passage = StoredPassage(id=1, document_id="d1", text=text, start=0, end=len(text), headings=(title,))
    return Hit(
        rank=1,
        score=0.5,
        dense_score=0.4,
        lexical_score=None,
        passage=passage,
        document=document(path=path, title=title),
    )


def result(reason: Reason | None, *answers: Answer, question: str = "?") -> AskResult:
    return AskResult(
        question=question,
        answered=reason is None,
        confidence=0.2,
        reason=reason,
        answers=answers,
        passages=(hit(),),
        timings_ms={"total": 120.0},
    )


class _Reader(HTMLParser):
    """The tags of a fragment, and its text with the marked parts."""

    def __init__(self, fragment: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.marks: list[str] = []
        self._marking = False
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "mark":
            self._marking = True
            self.marks.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "mark":
            self._marking = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._marking:
            self.marks[-1] += data


@given(st.text(), st.integers(-5, 60), st.integers(-5, 60))
def test_segments_joined_are_the_text_and_the_marked_one_is_the_span(text: str, start: int, end: int) -> None:
    pieces = phrasing.segments(text, start, end)
    assert "".join(piece.text for piece in pieces) == text
    marked = [piece.text for piece in pieces if piece.marked]
    inside = text[max(start, 0) : max(end, 0)]
    assert marked == ([inside] if inside else [])


def test_the_passage_is_marked_at_the_offsets_and_not_at_the_first_same_words() -> None:
    second = TEXT.rindex("To be")
    marked = phrasing.passage_segments(answer(start=second, end=second + 5))
    assert [piece.text for piece in marked] == [TEXT[:second], "To be", TEXT[second + 5 :]]
    page = _Reader(passage_panel(answer(start=second, end=second + 5), ENGLISH))
    assert page.marks == ["To be"]
    assert page.text.endswith(TEXT[second + 5 :])


def test_the_sentence_is_marked_in_its_enclosing_occurrence() -> None:
    sentence = "To be, or not to be."
    inner = TEXT.rindex("to be")
    marked = phrasing.sentence_segments(answer(start=inner, end=inner + 5, sentence=sentence))
    assert [(piece.text, piece.marked) for piece in marked] == [
        ("To be, or not ", False),
        ("to be", True),
        (".", False),
    ]


def test_a_sentence_that_does_not_hold_the_span_is_shown_unmarked() -> None:
    marked = phrasing.sentence_segments(answer(start=0, end=5, sentence="So he asked."))
    assert [(piece.text, piece.marked) for piece in marked] == [("So he asked.", False)]


@given(
    st.text(min_size=1).map(lambda text: text + MARKUP),
    st.text().map(lambda text: MARKUP + text),
    st.text().map(lambda text: f"/{text}/{MARKUP}"),
)
def test_document_text_titles_and_paths_reach_html_only_escaped(text: str, title: str, path: str) -> None:
    found = replace(
        answer(text, 0, len(text), sentence=text),
        document=document(path=path, title=title),
        headings=(title, text),
    )
    fragments = [
        answer_card(found, ENGLISH, sure=True, calibrated=False),
        passage_panel(found, ENGLISH),
        other_answer(found, 2, ENGLISH),
        search.hit_list([hit(text, title=title, path=path)], text, ENGLISH),
        base.lead(text, title, path),
        base.failure(text, title),
        base.note(text),
    ]
    for fragment in fragments:
        page = _Reader(fragment)
        assert not page.tags & {"script", "img"}
        assert not {name for name in page.attributes if name.startswith("on")}
        assert "<script" not in fragment
        assert "<img" not in fragment
    # and what the reader sees is the text itself
    assert html.escape(text, quote=True) in fragments[1]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    said = phrasing.no_answer_reason(result(reason))
    assert said[0].isupper()
    assert said.rstrip().endswith(".")
    assert said in html.unescape(refusal_card(result(reason), ENGLISH))


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_confidence_never_sounds_less_sure(one: float, other: float) -> None:
    order = ["doubtful", "uncertain", "likely right", "very likely right"]
    low, high = sorted((one, other))
    assert order.index(phrasing.confidence_words(low)) <= order.index(phrasing.confidence_words(high))


@pytest.mark.parametrize(("share", "said"), [(0.0, "1 %"), (1.0, "99 %"), (0.934, "93 %")])
def test_a_percentage_never_claims_certainty(share: float, said: str) -> None:
    assert phrasing.percent(share) == said


def test_a_place_names_the_title_once() -> None:
    assert phrasing.place("Hamlet", ("hamlet ", "Act III"), 3) == "hamlet › Act III · page\N{NO-BREAK SPACE}3"
    assert phrasing.place("Hamlet", ("Act III",), None) == "Hamlet › Act III"
    long = "a very long title " * 12
    assert phrasing.place(long[:200], (long, "Act III"), None) == f"{long[:100]}… › Act III"
    assert phrasing.place("Hamlet", (), 1) == "Hamlet · page\N{NO-BREAK SPACE}1"


@pytest.mark.parametrize(("size", "said"), [(0, "0 bytes"), (1023, "1,023 bytes"), (1024, "1.0 KB")])
def test_sizes_are_for_people(size: int, said: str) -> None:
    assert phrasing.byte_size(size) == said
    assert phrasing.byte_size(5 * 1024**3) == "5.0 GB"


def test_an_unsure_answer_is_not_called_an_answer() -> None:
    sure = _Reader(answer_card(answer(), ENGLISH, sure=True, calibrated=True)).text
    unsure = _Reader(answer_card(answer(), ENGLISH, sure=False, calibrated=False)).text
    assert sure.startswith("Answer")
    assert unsure.startswith("Best guess")
    likely = _Reader(answer_card(answer(), ENGLISH, sure=False, calibrated=True, probable=True)).text
    assert likely.startswith("Probably")
    assert _Reader(closest_card(answer(), ENGLISH)).text.startswith("Not sure: the closest sentence")
    assert "not fitted" in unsure
    assert "not fitted" not in sure


def test_the_confidence_is_said_in_words_and_number_and_drawn() -> None:
    card = answer_card(answer(), ENGLISH, sure=True, calibrated=True)
    assert "Very likely right, 90 %" in card
    assert "width:90%" in card


def test_a_search_says_when_it_went_by_words_alone() -> None:
    found = SearchResult(query="?", hits=(hit(),), timings_ms={"total": 3.0})
    assert "1 passage of 1 document in 3 ms" in search.search_note(found, ENGLISH)
    assert "words alone" in search.search_note(replace(found, unsupported_language=True), ENGLISH)
    assert "No passage" in search.search_note(replace(found, hits=()), ENGLISH)


def test_every_class_that_is_used_is_styled() -> None:
    fragments = "".join(
        (
            answer_card(
                answer(),
                ENGLISH,
                sure=False,
                calibrated=False,
                agreeing=3,
                differing=1,
            ),
            passage_panel(answer(), ENGLISH),
            refusal_card(result(Reason.EMPTY_STORE), ENGLISH),
            other_answer(answer(), 2, ENGLISH),
            search.numbered_hit(hit(), "be", ENGLISH),
            base.lead("a", "b", "c"),
        )
    )
    used = {name for names in re.findall(r'class="([^"]+)"', fragments) for name in names.split()}
    assert used
    assert not {name for name in used if f".{name}" not in static_file("style.css")}

"""From a question to a cited answer over a real store, and every way in which there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import ModelError, StoreError, StoreNotFound
from index.protocols import Encoder
from index.records import Filters, Hit, Mode, SearchResult, Stats
from index.store.store import Store
from ingest.records import Document, Heading, Page, Text
from ingest.text.tokenizer import TextTokenizer
from qa.answering.answerer import Answerer
from qa.answering.citation import cite
from qa.answering.decision import Claim, DecisionSettings, RankedClaim, SentenceSettings
from qa.answering.early_stopping import StoppingRule
from qa.reading.reader import load_reader
from qa.records import Answer, AskResult, Cell, Reason, Source, SpanCandidate, Status

ADA = "Ada Lovelace wrote the first program in 1843. It was made for an engine."
BREAD = "Bread needs flour and time. Bake the bread for forty minutes."
CHINESE = "中文的段落没有人能读懂，因为词汇表不认识这些汉字。"
MIXED = "What does the word 汉字 mean in the book about bread, please, and is it in there?"


class FirstWords:
    """Proposes the first two words of each context; margin 15 where the question shares a long word."""

    name = "first-words"
    fingerprint = "0"

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self.unknown_share = tokenizer.unknown_share
        self.seen: list[str] = []

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        self.seen += contexts
        return [self._first_words(question, context, index) for index, context in enumerate(contexts)]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]

    def _first_words(self, question: str, context: str, index: int) -> SpanCandidate:
        shared = {word for word in question.lower().split() if len(word) > 4} & set(context.lower().split())
        text = " ".join(context.split(" ")[:2])
        score = 15.0 if shared else -15.0
        return SpanCandidate(text=text, start=0, end=len(text), score=score, null_score=0.0, context=index)


@pytest.fixture
def reader(pocket_tokenizer: TextTokenizer) -> FirstWords:
    return FirstWords(pocket_tokenizer)


@pytest.fixture
def library(store: Store) -> Store:
    texts = {"ada": ADA, "bread": BREAD, "again": "Ada Lovelace made a program.", "zh": CHINESE}
    store.add(Text(id=name, text=text, title=name) for name, text in texts.items())
    return store


def test_an_answer_with_its_source(library: Store, reader: FirstWords) -> None:
    result = Answerer(library, reader).ask("Who made the first program ever?")
    assert result.answered
    assert result.reason is None
    best = result.answers[0]
    assert best.text == "Ada Lovelace"
    assert library.document(best.document.id).text[best.start : best.end] == best.text
    assert best.sentence == "Ada Lovelace wrote the first program in 1843."
    assert best.span_score == 15.0
    assert best.retrieval_score == result.passages[0].score
    assert best.also_in == (Source(path="text:again", start=0, end=12),)
    assert best.confidence == result.confidence > 0.5
    assert not result.calibrated
    assert set(result.timings_ms) == {"encode", "search", "read", "total"}


def test_a_reason_is_given_in_a_clause(library: Store, reader: FirstWords) -> None:
    best = Answerer(library, reader).ask("Why is bread slow?", always_answer=True).answers[0]
    assert (best.text, best.chosen) == ("Bread needs flour and time", "Bread needs")
    assert library.document(best.document.id).text[best.start : best.end] == best.text


def test_below_the_threshold_nothing_is_claimed_but_all_is_shown(library: Store, reader: FirstWords) -> None:
    answerer = Answerer(library, reader)
    result = answerer.ask("Where is it?")
    assert not result.answered
    assert result.reason is Reason.BELOW_THRESHOLD
    assert result.answers == ()
    assert result.passages
    forced = answerer.ask("Where is it?", always_answer=True, answers=1)
    assert not forced.answered
    assert len(forced.answers) == 1
    assert forced.confidence == result.confidence == forced.answers[0].confidence


def test_a_likely_answer_is_shown_as_such(library: Store, reader: FirstWords) -> None:
    answerer = Answerer(library, reader)
    given = answerer.ask("Who made the first program ever?")
    likely = answerer.ask("Who made the first program ever?", min_confidence=1.0)
    assert (given.status, given.candidates, given.closest) == (Status.ANSWER, (), None)
    assert (likely.status, likely.answers, likely.closest) == (Status.PROBABLE, (), None)
    assert likely.candidates[0] == given.answers[0]
    assert likely.reason is Reason.BELOW_THRESHOLD
    forced = answerer.ask("Who made the first program ever?", min_confidence=1.0, always_answer=True)
    assert (forced.status, forced.candidates) == (Status.PROBABLE, likely.candidates)
    assert forced.answers[0] == given.answers[0]
    assert given.revision == library.stats().revision > 0


def test_the_closest_sentence_stands_where_nothing_is_likely(library: Store, reader: FirstWords) -> None:
    doubtful = DecisionSettings(no_answer=40.0, sentence=SentenceSettings(scale=0.1))
    result = Answerer(library, reader, decision=doubtful).ask("Who made the first program ever?")
    assert (result.status, result.candidates) == (Status.CLOSEST, ())
    closest = result.closest
    assert closest is not None
    assert closest.text == closest.sentence == "Ada Lovelace wrote the first program in 1843."
    assert library.document(closest.document.id).text[closest.start : closest.end] == closest.text
    assert closest.span_score is None
    assert closest.confidence > result.confidence
    none = replace(doubtful, sentence=SentenceSettings(scale=0.1, least=1.0))
    silent = Answerer(library, reader, decision=none).ask("Who made the first program ever?")
    assert (silent.status, silent.reason) == (Status.NONE, Reason.BELOW_THRESHOLD)


def test_the_threshold_can_be_given(library: Store, reader: FirstWords) -> None:
    answerer = Answerer(library, reader)
    assert answerer.ask("Where is it?", min_confidence=0.0).answered
    assert not answerer.ask("Who made the first program ever?", min_confidence=1.0).answered


def test_more_is_read_where_the_confidence_asked_for_is_near(library: Store, reader: FirstWords) -> None:
    answerer = Answerer(library, reader, stopping=StoppingRule(first=1, slack=-100.0, at_least=2))
    far = answerer.ask("How long must bread be baked?")
    near = answerer.ask("How long must bread be baked?", min_confidence=far.confidence)
    assert (far.read, near.read) == (1, 2)


@pytest.mark.parametrize("question", ["", "  ", "\n\t\u3000"])
def test_an_empty_question(library: Store, reader: FirstWords, question: str) -> None:
    result = Answerer(library, reader).ask(question)
    assert (result.reason, result.passages, result.confidence) == (Reason.EMPTY_QUESTION, (), 0.0)
    assert result.question == question


def test_an_empty_store_and_a_filter_that_leaves_nothing(
    store: Store, library: Store, reader: FirstWords, tmp_path: Path, hashing_encoder: Encoder
) -> None:
    with Store.open(tmp_path / "empty", create=True, encoder=hashing_encoder) as empty:
        assert Answerer(empty, reader).ask("Who?").reason is Reason.EMPTY_STORE
    result = Answerer(library, reader).ask("Who made the program?", filters=Filters(languages=("xx",)))
    assert result.reason is Reason.NO_PASSAGES


def test_a_question_in_an_unknown_script_shows_passages_and_reads_none(
    library: Store, reader: FirstWords
) -> None:
    result = Answerer(library, reader).ask("谁能读懂中文的段落？", always_answer=True)
    assert result.reason is Reason.UNSUPPORTED_LANGUAGE
    assert result.answers == ()
    assert result.passages[0].passage.text == CHINESE
    assert reader.seen == []


def test_a_passage_in_an_unknown_script_is_shown_and_never_read(library: Store, reader: FirstWords) -> None:
    result = Answerer(library, reader).ask(MIXED)
    assert CHINESE in {hit.passage.text for hit in result.passages}
    assert CHINESE not in reader.seen
    assert BREAD in reader.seen
    only_chinese = tuple(hit.document.id for hit in result.passages if hit.passage.text == CHINESE)
    result = Answerer(library, reader).ask(MIXED, filters=Filters(documents=only_chinese))
    assert result.reason is Reason.UNSUPPORTED_LANGUAGE
    assert len(result.passages) == 1


def test_a_failing_model_is_a_reason_and_is_logged(
    library: Store, pocket_tokenizer: TextTokenizer, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(FirstWords):
        def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
            raise RuntimeError("out of memory")

    with caplog.at_level(logging.ERROR):
        result = Answerer(library, Failing(pocket_tokenizer)).ask("Who made the program?")
    assert result.reason is Reason.MODEL_FAILURE
    assert result.passages
    assert "out of memory" in caplog.text


def test_a_model_without_any_score_is_a_failure(library: Store, pocket_tokenizer: TextTokenizer) -> None:
    class Silent(FirstWords):
        def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
            return [[] for _ in asked]

    result = Answerer(library, Silent(pocket_tokenizer)).ask("Who made the program?", min_confidence=0.0)
    assert (result.reason, result.answered) == (Reason.MODEL_FAILURE, False)


def test_what_the_user_can_mend_is_raised(library: Store, pocket_tokenizer: TextTokenizer) -> None:
    class Missing(FirstWords):
        def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
            raise ModelError("no weights", hint="fetch them")

    with pytest.raises(ModelError):
        Answerer(library, Missing(pocket_tokenizer)).ask("Who made the program?")


def test_many_questions_are_answered_in_order_as_each_alone(library: Store, reader: FirstWords) -> None:
    answerer = Answerer(library, reader)
    questions = ["Who made the first program?", "", "Where is the bread?", "谁能读懂中文", "???"] * 8
    results = list(answerer.ask_many(iter(questions)))

    def without_times(result: AskResult) -> AskResult:
        return replace(result, timings_ms={})

    assert [result.question for result in results] == questions
    for question, result in zip(questions[:5], results[:5], strict=True):
        assert without_times(result) == without_times(answerer.ask(question))


def test_open_closes_what_it_opened(tmp_path: Path, hashing_encoder: Encoder) -> None:
    with pytest.raises(StoreNotFound):
        Answerer.open(tmp_path / "nowhere")
    Store.open(tmp_path / "store", create=True, encoder=hashing_encoder).close()
    with Answerer.open(tmp_path / "store") as answerer:
        assert answerer.ask("Who?").reason is Reason.EMPTY_STORE


def test_page_and_headings_are_those_of_the_answer_not_of_its_passage(make_hit: Callable[..., Hit]) -> None:
    hit = make_hit("First. Second answer here.", start=100)
    candidate = SpanCandidate(text="answer", start=14, end=20, score=1.0, null_score=0.0, context=0)
    claim = RankedClaim(claim=Claim(candidate=candidate, hit=hit, coverage=0.0), others=(), confidence=0.5)

    class OneDocument:
        def document(self, document_id: str) -> Document:
            return Document(
                id=document_id,
                content_sha256="",
                path="x",
                title="x",
                text="." * 200,
                type="pdf",
                pages=(Page(number=4, start=0, end=106), Page(number=5, start=106, end=200)),
                headings=(Heading(level=1, title="One", start=0), Heading(level=2, title="Two", start=107)),
            )

    class Gone:
        def document(self, document_id: str) -> Document:
            raise StoreError("gone")

    answer = cite(claim, OneDocument())
    assert (answer.page, answer.headings) == (5, ("One", "Two"))
    assert (answer.start, answer.end, answer.sentence) == (114, 120, "Second answer here.")
    assert cite(claim, Gone()).headings == ("Top",)


def test_the_sentence_of_a_cell_is_its_row(make_hit: Callable[..., Hit]) -> None:
    text = "Boats\n\nBoat: Heron; Weight: 96 kg\nBoat: Wren; Weight: 27 kg"
    document = Document(id="d", content_sha256="", path="x", title="x", text=text, type="html")

    class Boats:
        def document(self, document_id: str) -> Document:
            return document

    def cited(words: str) -> Answer:
        hit = make_hit(text[7:], start=7)
        start = text.index(words) - 7
        candidate = SpanCandidate(
            text=words, start=start, end=start + len(words), score=1.0, null_score=0.0, context=0
        )
        claim = Claim(candidate=candidate, hit=hit, coverage=0.0)
        return cite(RankedClaim(claim=claim, others=(), confidence=0.5), Boats())

    answer = cited("27 kg")
    assert (answer.sentence, answer.cell) == (
        "Boat: Wren; Weight: 27 kg",
        Cell(row="Wren", column="Weight"),
    )
    across = cited("Heron; Weight: 96 kg")
    assert (across.sentence, across.cell) == ("Boat: Heron; Weight: 96 kg", None)


# -- any question, any passages, any reader -----------------------------------------------------------------


class Shelf:
    """A store, a retriever and a reader in one, all of them made of what a test draws."""

    name = "shelf"
    fingerprint = "0"

    def __init__(self, hits: Sequence[Hit], stats: Stats, draw: Callable[[str], list[SpanCandidate]]) -> None:
        self.hits, self.draw = tuple(hits), draw
        self.stats = lambda: replace(stats, passages=len(hits))

    def search_many(
        self, queries: Sequence[str], k: int, mode: Mode, filters: Filters | None
    ) -> list[SearchResult]:
        return [SearchResult(query=query, hits=self.hits[:k], timings_ms={}) for query in queries]

    def document(self, document_id: str) -> Document:
        raise StoreError("gone")

    def unknown_share(self, text: str) -> float:
        return sum(ord(character) > 0x2000 for character in text) / max(1, len(text))

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        return self.read_many([(question, contexts)])[0]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [
            [
                replace(item, context=place)
                for place, context in enumerate(contexts)
                for item in self.draw(context)
            ]
            for _, contexts in asked
        ]


@pytest.fixture(scope="module")
def empty_stats(tmp_path_factory: pytest.TempPathFactory) -> Stats:
    with Store.open(tmp_path_factory.mktemp("stats") / "store", create=True) as empty:
        return empty.stats()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_no_question_raises_and_every_answer_is_exact(
    make_hit: Callable[..., Hit], empty_stats: Stats, data: st.DataObject
) -> None:
    question = data.draw(st.text())
    texts = data.draw(st.lists(st.text(min_size=1, max_size=60), max_size=5))
    hits = [
        make_hit(text, rank, score=1 / rank, document=f"d{rank % 3}", start=data.draw(st.integers(0, 50)))
        for rank, text in enumerate(texts, start=1)
    ]

    def spans(context: str) -> list[SpanCandidate]:
        start = data.draw(st.integers(0, len(context) - 1))
        end = data.draw(st.integers(start + 1, len(context)))
        score = data.draw(st.floats(-1e6, 1e6))
        return data.draw(
            st.sampled_from(
                [
                    [],
                    [
                        SpanCandidate(
                            text=context[start:end],
                            start=start,
                            end=end,
                            score=score,
                            null_score=0.0,
                            context=0,
                        )
                    ],
                ]
            )
        )

    shelf = Shelf(hits, empty_stats, spans)
    answerer = Answerer(shelf, shelf, retriever=shelf, decision=DecisionSettings())  # type: ignore[arg-type]
    result = answerer.ask(question, always_answer=data.draw(st.booleans()))
    assert result.question == question
    assert result.answered == (result.reason is None)
    assert 0 <= result.confidence <= 1
    assert {hit.passage.id for hit in result.passages} == {hit.passage.id for hit in shelf.hits}
    assert [hit.rank for hit in result.passages] == list(range(1, len(shelf.hits) + 1))
    assert sum([result.answered, bool(result.candidates), result.closest is not None]) <= 1
    for answer in (*result.answers, *result.candidates, *([result.closest] if result.closest else [])):
        inside = answer.passage.text[answer.start - answer.passage.start : answer.end - answer.passage.start]
        assert inside == answer.text
        assert answer.text in answer.sentence or not answer.text.strip()
        assert answer.confidence <= result.confidence or answer is result.closest


def test_the_bundled_reader_answers_from_a_store(library: Store) -> None:
    answerer = Answerer(library, load_reader("pocket"))
    result = answerer.ask("Who wrote the first program?")
    assert result.answered
    assert result.answers[0].text == "Ada Lovelace"
    assert not answerer.ask("What is the capital of Australia?").answered

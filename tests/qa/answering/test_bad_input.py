"""Questions and collections that nobody would choose: a typed result with a reason, never an error."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.engines.batching import Outputs, run_in_batches
from index.engines.load import load_model
from index.engines.loaded_model import LoadedModel
from index.protocols import TokenIds
from index.store.store import Store
from ingest.records import Text
from ingest.text.tokenizer import TextTokenizer
from qa.answering.answerer import Answerer
from qa.explanation.explainer import Explainer
from qa.explanation.records import Method
from qa.reading.reader import RobertaReader
from qa.reading.spans import SpanSettings
from qa.records import AskResult, Reason
from ui.render import json_forms
from ui.render import terminal as text

ADA = "Ada Lovelace wrote the first program in 1843. It was made for an engine."
TEXTS = {"ada": ADA, "bread": "Bread needs flour and time.", "one": "Flour.", "dots": "... , ; ( )"}
BINARY = "".join(map(chr, range(32))) + "\x7f\x80\x9f" + "program\x00in\x001843" + "\ud800\udfff\ufffe\uffff"
QUESTIONS = {
    "nothing": "",
    "blank": " \t\n\u3000\u200b",
    "one word": "program",
    "one letter": "a",
    "one mark": "?",
    "only marks": "?!.,;:()[]{}\"'*^~\\/+-&|",
    "long": "Who wrote the first program in 1843? " * 270,
    "one long word": "program" * 1429,
    "many words": " ".join(f"w{number}" for number in range(2000)),
    "binary": BINARY,
    "long binary": BINARY * 250,
    "lone surrogates": "\udcff\ud800 program \udc80",
    "like a query": 'program AND (text:"1843" OR *) ^2 ~ [1 TO 2] -flour',
    "like markup": "<script>alert('program')</script> [SEP] </s> <mask> [CLS] program",
    "like SQL": "'; DROP TABLE documents; -- program % _",
    "right to left": "מי כתב \u202eprogram\u202c את?",
    "joined emoji": "👩\u200d🔬" * 300 + "program",
    "combining": "program" + "\u0301" * 5000,
}


class Logits:
    """An engine whose start and end logits a function of the batch's shape gives."""

    def __init__(self, make: Callable[[tuple[int, int]], NDArray[np.float32]]) -> None:
        self._make = make

    @property
    def name(self) -> str:
        return "strange"

    def run(self, sequences: Sequence[TokenIds]) -> Iterator[tuple[int, Outputs]]:
        return run_in_batches(self._batch, sequences, 0)

    def _batch(self, input_ids: TokenIds, attention_mask: TokenIds) -> Outputs:
        rows, length = input_ids.shape
        return self._make((rows, length)), self._make((rows, length))


@pytest.fixture(scope="module")
def pocket() -> LoadedModel:
    return load_model("pocket", "reader", engine="torch-fp32")


@pytest.fixture
def library(store: Store) -> Store:
    store.add(Text(id=name, text=text, title=name) for name, text in TEXTS.items())
    return store


@pytest.fixture(scope="module")
def shared_library(
    tmp_path_factory: pytest.TempPathFactory, pocket_tokenizer: TextTokenizer
) -> Iterator[Store]:
    """The same few texts for all examples of a property, with the bundled encoder."""
    with Store.open(tmp_path_factory.mktemp("bad") / "store", create=True) as opened:
        opened.add(Text(id=name, text=text, title=name) for name, text in TEXTS.items())
        yield opened


def with_logits(
    pocket: LoadedModel,
    make: Callable[[tuple[int, int]], NDArray[np.float32]],
    spans: SpanSettings | None = None,
) -> RobertaReader:
    """The bundled reader's tokens and windows with other logits."""
    model = LoadedModel(
        name="strange",
        tokenizer=pocket.tokenizer,
        engine=Logits(make),
        max_tokens=pocket.max_tokens,
        dimension=pocket.dimension,
        fingerprint="0",
        pooling=pocket.pooling,
        prefixes=pocket.prefixes,
    )
    return RobertaReader(model, spans=spans)


def sound(result: AskResult, question: str) -> None:
    """What is true of every result, and that it can be shown in all ways."""
    assert result.question == question
    assert result.answered == (result.reason is None)
    assert 0 <= result.confidence <= 1
    for answer in result.answers:
        place = slice(answer.start - answer.passage.start, answer.end - answer.passage.start)
        assert answer.passage.text[place] == answer.text != ""
        assert answer.text in answer.sentence
    json.loads(json.dumps(json_forms.ask_json(result), allow_nan=False))
    assert text.ask_text(result)


def drawn(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Logits that say anything at all."""
    return np.random.default_rng(shape[1]).normal(scale=4, size=shape).astype(np.float32)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_any_question_to_a_store(shared_library: Store, pocket: LoadedModel, question: str) -> None:
    # What the bundled reader says to the long ones is asked in the slow tests.
    reader = RobertaReader(pocket) if len(question) < 300 else with_logits(pocket, drawn)
    for always in (False, True):
        sound(Answerer(shared_library, reader).ask(question, always_answer=always), question)


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_any_question_to_an_empty_store(store: Store, pocket: LoadedModel, question: str) -> None:
    result = Answerer(store, RobertaReader(pocket)).ask(question, always_answer=True)
    sound(result, question)
    assert result.reason is (Reason.EMPTY_STORE if question.strip() else Reason.EMPTY_QUESTION)
    assert (result.answers, result.passages, result.confidence) == ((), (), 0.0)


@pytest.mark.parametrize("question", ["", " \t\n\u3000"])
def test_an_empty_question_is_named(library: Store, pocket: LoadedModel, question: str) -> None:
    assert Answerer(library, RobertaReader(pocket)).ask(question).reason is Reason.EMPTY_QUESTION


@pytest.mark.slow
def test_whatever_was_asked_an_answer_is_explained(library: Store, pocket: LoadedModel) -> None:
    answerer, explainer = Answerer(library, RobertaReader(pocket)), Explainer(method=Method.GRADIENT)
    explained = 0
    for result in answerer.ask_many(QUESTIONS.values(), answers=1, always_answer=True):
        for answer in result.answers:
            why = explainer.explain(result, answer)
            explained += 1
            assert why.attribution.target_log_odds == pytest.approx(answer.span_score, abs=1e-2)
            for words, whole in (
                (why.attribution.question, result.question),
                (why.attribution.passage, answer.passage.text),
            ):
                assert all(whole[word.start : word.end] == word.text for word in words)
            assert text.ask_text(result, whys=[why])
    assert explained > 10


def test_words_among_binary_find_their_passage(library: Store, pocket: LoadedModel) -> None:
    answerer = Answerer(library, RobertaReader(pocket))
    for question in ("Who wrote the first program?\x00\x01\x02", "\x1b[2JWho wrote the first program?"):
        result = answerer.ask(question, always_answer=True)
        assert result.passages[0].document.title == "ada"
        assert result.answers[0].text == "Ada Lovelace"


@pytest.mark.slow
def test_strange_questions_in_one_batch_are_answered_each_as_alone(
    library: Store, pocket: LoadedModel
) -> None:
    answerer = Answerer(library, RobertaReader(pocket))
    questions = list(QUESTIONS.values())
    for question, result in zip(questions, answerer.ask_many(questions), strict=True):
        alone = answerer.ask(question)
        assert (result.question, result.reason) == (question, alone.reason)
        assert [hit.passage.id for hit in result.passages] == [hit.passage.id for hit in alone.passages]
        assert [answer.text for answer in result.answers] == [answer.text for answer in alone.answers]


def test_a_passage_shorter_than_the_question(store: Store, pocket: LoadedModel) -> None:
    store.add([Text(id="one", text="Flour.", title="one")])
    question = "Of all the things in this kitchen, what does the baker need for bread? " * 20
    result = Answerer(store, RobertaReader(pocket)).ask(question, always_answer=True)
    sound(result, question)
    assert [answer.text for answer in result.answers] == ["Flour"]


def test_a_store_of_punctuation_has_no_answer_and_no_failure(store: Store, pocket: LoadedModel) -> None:
    store.add([Text(id="dots", text="... , ; ( ) ...", title="dots")])
    result = Answerer(store, RobertaReader(pocket)).ask("Who wrote it?", always_answer=True)
    sound(result, "Who wrote it?")
    assert (result.reason, result.answers) == (Reason.BELOW_THRESHOLD, ())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_no_numbers_are_a_model_failure(
    library: Store, pocket: LoadedModel, value: float, caplog: pytest.LogCaptureFixture
) -> None:
    reader = with_logits(pocket, lambda shape: np.full(shape, value, np.float32))
    with caplog.at_level(logging.ERROR):
        result = Answerer(library, reader).ask("Who wrote the program?", always_answer=True)
    sound(result, "Who wrote the program?")
    assert (result.reason, result.answers, result.confidence) == (Reason.MODEL_FAILURE, (), 0.0)
    assert result.passages, "what was found is shown all the same"
    assert "no usable scores" in caplog.text


def test_logits_of_the_first_token_alone_that_are_no_numbers_leave_the_window_out(
    library: Store, pocket: LoadedModel
) -> None:
    def make(shape: tuple[int, int]) -> NDArray[np.float32]:
        logits = np.zeros(shape, np.float32)
        logits[:, 0] = np.nan
        return logits

    result = Answerer(library, with_logits(pocket, make)).ask("Who wrote the program?", always_answer=True)
    assert (result.reason, result.answers) == (Reason.MODEL_FAILURE, ())


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda shape: np.full(shape, 3e38, np.float32), id="largest"),
        pytest.param(lambda shape: np.full(shape, -3e38, np.float32), id="least"),
        pytest.param(lambda shape: np.zeros(shape, np.float32), id="all the same"),
        pytest.param(
            lambda shape: (
                np.where(np.arange(shape[1]) % 2, np.nan, 5).astype(np.float32) * np.ones(shape, np.float32)
            ),
            id="every second",
        ),
    ],
)
def test_extreme_logits_still_give_a_probability(
    library: Store, pocket: LoadedModel, make: Callable[[tuple[int, int]], NDArray[np.float32]]
) -> None:
    result = Answerer(library, with_logits(pocket, make)).ask("Who wrote the program?", always_answer=True)
    sound(result, "Who wrote the program?")
    assert result.answers


@pytest.mark.parametrize(
    "spans",
    [SpanSettings(max_answer_characters=0), SpanSettings(max_answer_tokens=0), SpanSettings(best=0)],
    ids=["characters", "tokens", "number"],
)
def test_a_reader_whose_spans_are_all_filtered(
    library: Store, pocket: LoadedModel, spans: SpanSettings
) -> None:
    result = Answerer(library, RobertaReader(pocket, spans=spans)).ask("Who wrote it?", always_answer=True)
    sound(result, "Who wrote it?")
    assert (result.reason, result.answers) == (Reason.MODEL_FAILURE, ())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    question=st.text(
        st.one_of(st.characters(exclude_categories=[]), st.sampled_from("abc ?\x00\ud800")), max_size=200
    )
)
def test_no_question_raises(shared_library: Store, pocket: LoadedModel, question: str) -> None:
    sound(Answerer(shared_library, RobertaReader(pocket)).ask(question, always_answer=True), question)

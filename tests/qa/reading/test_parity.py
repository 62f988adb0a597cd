"""Our reader against plain transformers, and our figures against the published rules.

The references are written here in the plainest way and share no code with what they check: the tokenizer's
own windows and one forward pass each, every span tried; articles and punctuation struck out word by word,
every threshold tried.
"""

from __future__ import annotations

import gzip
import json
import re
import string
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import regex
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from index.checkpoints.presets import models_folder
from index.checkpoints.write_compact import write_plain
from qa.evaluation.evaluate import evaluate_reader
from qa.protocols import Reader
from qa.reading.reader import load_reader
from qa.records import SpanCandidate

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "qa"
FAMILIES = ("roberta", "bert", "xlm-roberta")
SPECIAL_TOKENS = {"roberta": 4, "bert": 3, "xlm-roberta": 4}
NO_CONTENT = " .,;:()"
WITHIN_A_WORD = regex.compile(r"(?<=[\p{Latin}\p{Cyrillic}])(?=[\p{Latin}\p{Cyrillic}])")

# --- spans ---


@dataclass(frozen=True)
class PlainSpans:
    """All spans that score about as much as the best, what that is, and what "no answer" scores."""

    texts: tuple[str, ...]
    score: float
    null_score: float


class PlainReader:
    """The tokenizer's windows, a forward pass for each, all spans of at most 30 tokens."""

    def __init__(self, folder: Path, *, max_tokens: int, special_tokens: int, segments: bool) -> None:
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.model = transformers.AutoModelForQuestionAnswering.from_pretrained(
            folder, dtype=torch.float32
        ).eval()
        self.max_tokens, self.special_tokens, self.segments = max_tokens, special_tokens, segments

    def read(self, question: str, context: str, tolerance: float) -> PlainSpans:
        scores: dict[tuple[int, int], float] = {}
        nulls: list[float] = []
        for window in self.windows(question, context):
            inputs = {"input_ids": torch.tensor([window.ids])}
            if self.segments:
                inputs["token_type_ids"] = torch.tensor([window.type_ids])
            with torch.inference_mode():
                output = self.model(**inputs)
            start, end = output.start_logits[0].tolist(), output.end_logits[0].tolist()
            nulls.append(start[0] + end[0])
            places = [place for place, side in enumerate(window.sequence_ids) if side == 1]
            for first in places:
                for last in places:
                    span = (window.offsets[first][0], window.offsets[last][1])
                    if any(WITHIN_A_WORD.match(context, cut) for cut in span):
                        continue
                    if first <= last < first + 30 and context[slice(*span)].strip(NO_CONTENT):
                        scores[span] = max(scores.get(span, float("-inf")), start[first] + end[last])
        best = max(scores.values())
        texts = {context[a:b] for (a, b), score in scores.items() if score > best - tolerance}
        return PlainSpans(texts=tuple(texts), score=best, null_score=min(nulls))

    def windows(self, question: str, context: str) -> Sequence[Any]:
        self.tokenizer.no_truncation()
        question_tokens = len(self.tokenizer.encode(question, add_special_tokens=False).ids)
        room = self.max_tokens - self.special_tokens - question_tokens
        self.tokenizer.enable_truncation(self.max_tokens, stride=min(128, room // 2), strategy="only_second")
        first = self.tokenizer.encode(question, context)
        return [first, *first.overflowing]


def agree(ours: Reader, plain: PlainReader, question: str, context: str, tolerance: float = 2e-6) -> None:
    """The logits of tiny checkpoints are small, and so are the differences that must be seen."""
    best = ours.read(question, [context])[0]
    expected = plain.read(question, context, tolerance)
    assert best.score == pytest.approx(expected.score, abs=tolerance)
    assert best.null_score == pytest.approx(expected.null_score, abs=tolerance)
    # Ours is the same span without the separators at its ends.
    assert best.text.strip(NO_CONTENT) in {text.strip(NO_CONTENT) for text in expected.texts}


@pytest.fixture(scope="module")
def pair(tiny_folder: Callable[[str, str], Path]) -> Callable[[str], tuple[Reader, PlainReader]]:
    """`pair(family)`: our reader and the plain one of the same checkpoint."""
    made: dict[str, tuple[Reader, PlainReader]] = {}

    def make(family: str) -> tuple[Reader, PlainReader]:
        if family not in made:
            folder = tiny_folder(family, "reader")
            plain = PlainReader(
                folder,
                max_tokens=66 if family == "bert" else 64,
                special_tokens=SPECIAL_TOKENS[family],
                segments=family == "bert",
            )
            made[family] = (load_reader(str(folder), engine="torch-fp32"), plain)
        return made[family]

    return make


WORDS = st.sampled_from(
    "RoBERTa masking 2019. the ship, log; wind speed harbour naïve café 3.14 Bus fährt acht Uhr "
    "机器翻译很难 Привет, мир 😀 (north) town: epoch".split()
)
TEXT = st.lists(WORDS, min_size=1, max_size=60).map(" ".join).filter(lambda text: text.strip(NO_CONTENT))


@pytest.mark.parametrize("family", FAMILIES)
# Two words are never half of a window, where ours would cut them and the plain tokenizer not.
@given(question=st.lists(WORDS, min_size=1, max_size=2).map(" ".join), context=TEXT)
@settings(max_examples=25, deadline=None)
def test_spans_are_those_of_plain_transformers(
    pair: Callable[[str], tuple[Reader, PlainReader]], family: str, question: str, context: str
) -> None:
    agree(*pair(family), question, context)


def test_the_contexts_above_take_several_windows(
    pair: Callable[[str], tuple[Reader, PlainReader]],
) -> None:
    """Guards the test above, as the one after it does."""
    for family in FAMILIES:
        ours, plain = pair(family)
        context = " ".join(f"The ship left harbour {number} at eight, says the log." for number in range(12))
        assert len(plain.windows("Who left?", context)) > 2
        agree(ours, plain, "Who left?", context)


def test_windows_differ_by_more_than_is_tolerated(
    pair: Callable[[str], tuple[Reader, PlainReader]],
) -> None:
    for family in FAMILIES:
        _, plain = pair(family)
        nulls = [plain.read("Who left?", text, 2e-6).null_score for text in ("wind speed", "Bus fährt")]
        assert abs(nulls[0] - nulls[1]) > 2e-5


@pytest.mark.slow
def test_the_bundled_reader_reads_as_plain_transformers_do(tmp_path: Path) -> None:
    source = SHARED / "squad-v1.1-dev.json.gz"
    if not source.is_file():
        pytest.skip(f"{source} is not here")
    with gzip.open(source, "rt", encoding="utf-8") as file:
        articles = json.load(file)["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    ours = load_reader("pocket", engine="torch-fp32")
    folder = tmp_path / "plain"
    write_plain(models_folder() / "pocket" / "reader", folder)
    plain = PlainReader(folder, max_tokens=384, special_tokens=4, segments=False)
    for paragraph in paragraphs[:: len(paragraphs) // 19]:
        agree(ours, plain, paragraph["qas"][0]["question"], paragraph["context"], tolerance=1e-3)


# --- figures ---


@dataclass(frozen=True)
class Told:
    """A question: its gold answers, what the reader proposes (None: nothing) and with which log-odds."""

    golds: tuple[str, ...]
    predicted: str | None
    margin: float


class Telling:
    """Proposes what it is told, for the question that is the number of a case."""

    name = "telling"
    fingerprint = "0"

    def __init__(self, cases: Sequence[Told]) -> None:
        self.cases = cases

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        case = self.cases[int(question)]
        if case.predicted is None:
            return []
        return [
            SpanCandidate(
                text=case.predicted,
                start=0,
                end=len(case.predicted),
                score=case.margin,
                null_score=0.0,
                context=0,
            )
        ]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]


def plain_words(text: str) -> list[str]:
    kept = [character for character in text.lower() if character not in string.punctuation]
    runs = re.findall(r"\w+|\W+", "".join(kept))
    return "".join(" " if run in ("a", "an", "the") else run for run in runs).split()


def plain_exact(prediction: str, golds: Sequence[str]) -> float:
    return 1.0 if any(plain_words(prediction) == plain_words(gold) for gold in golds) else 0.0


def plain_f1(prediction: str, golds: Sequence[str], *, nothing: float) -> float:
    """`nothing` is what an empty prediction is worth against an empty gold."""
    best = 0.0
    for gold in golds:
        said, wanted, common = plain_words(prediction), plain_words(gold), 0
        if not said and not wanted:
            best = max(best, nothing)
        for word in said:
            if word in wanted:
                wanted.remove(word)
                common += 1
        if common:
            precision, recall = common / len(said), common / len(plain_words(gold))
            best = max(best, 2 * precision * recall / (precision + recall))
    return best


def plain_figures(cases: Sequence[Told], predictions: Sequence[str], *, version: str) -> dict[str, float]:
    """What the script of that version says about these predictions."""
    rows = []
    for case, prediction in zip(cases, predictions, strict=True):
        golds = case.golds
        if version == "2.0":
            golds = tuple(gold for gold in golds if plain_words(gold)) or ("",)
        overlap = plain_f1(prediction, golds, nothing=1.0 if version == "2.0" else 0.0)
        rows.append((bool(case.golds), plain_exact(prediction, golds), overlap))
    figures: dict[str, float] = {}
    for prefix, kinds in (("", (True, False)), ("HasAns_", (True,)), ("NoAns_", (False,))):
        chosen = [row for row in rows if row[0] in kinds]
        if chosen:
            figures[f"{prefix}exact"] = 100 * sum(exact for _, exact, _ in chosen) / len(chosen)
            figures[f"{prefix}f1"] = 100 * sum(overlap for _, _, overlap in chosen) / len(chosen)
            figures[f"{prefix}total"] = len(chosen)
    return figures


def plain_at(cases: Sequence[Told], threshold: float, name: str) -> float:
    """The figure when all questions are answered whose log-odds of "no answer" are at most `threshold`.

    Where there is no answer, any text costs the point, be it nothing but an article.
    """
    points = 0.0
    for case in cases:
        given = case.predicted if case.predicted is not None and -case.margin <= threshold else ""
        if case.golds:
            golds = [gold for gold in case.golds if plain_words(gold)]
            points += plain_exact(given, golds) if name == "exact" else plain_f1(given, golds, nothing=1.0)
        else:
            points += not given
    return 100 * points / len(cases)


PIECES = st.sampled_from(["the", "a", "An", "Cat", "cat,", "dog.", "U.S.", "ß", "“the”", "猫", "-", "1998"])
PHRASE = st.lists(PIECES, min_size=1, max_size=4).map(" ".join)
WHOLE_PHRASE = PHRASE.filter(lambda text: bool(plain_words(text)))


def told(golds: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[Told]]:
    case = st.builds(
        Told,
        golds=golds.map(tuple),
        predicted=st.none() | WHOLE_PHRASE | PHRASE,
        margin=st.integers(-400, 400).map(lambda number: number / 10),
    )
    return st.lists(case, min_size=1, max_size=12, unique_by=lambda item: item.margin)


def evaluate(cases: Sequence[Told], version: str) -> tuple[dict[str, Any], list[str]]:
    """Our report of the cases, and the predictions file in the order of the questions."""
    # Latin letters outweigh the others: a file that is mostly Chinese is scored by other rules.
    latin = "The ship left the harbour at eight. " * 30
    context = " | ".join([*(gold for case in cases for gold in case.golds), latin])
    questions = [
        {
            "id": f"id-{number}",
            "question": str(number),
            "answers": [{"text": gold, "answer_start": context.index(gold)} for gold in case.golds],
        }
        for number, case in enumerate(cases)
    ]
    content = {"version": version, "data": [{"paragraphs": [{"context": context, "qas": questions}]}]}
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "file.json", Path(folder) / "predictions.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        report = evaluate_reader(path, Telling(cases), predictions_out=out)
        predictions = json.loads(out.read_text(encoding="utf-8"))
    return report.as_json(), [predictions[f"id-{number}"] for number in range(len(cases))]


# Where nothing is left of any gold, refusing is right too: the official threshold search does not know it.
GOLDS = st.lists(PHRASE, max_size=3).filter(lambda golds: not golds or any(map(plain_words, golds)))


@given(told(GOLDS).filter(lambda cases: not all(case.golds for case in cases)))
@settings(max_examples=60, deadline=None)
def test_figures_of_version_2_are_those_of_the_published_rules(cases: list[Told]) -> None:
    figures, predictions = evaluate(cases, "v2.0")
    assert predictions == [
        case.predicted if case.predicted is not None and case.margin >= 0 else "" for case in cases
    ]
    expected = plain_figures(cases, predictions, version="2.0")
    assert {name: figures.get(name) for name in expected} == pytest.approx(expected)
    assert ("HasAns_total" in figures) == ("HasAns_total" in expected)
    for name in ("exact", "f1"):
        thresholds = [float("-inf"), *(-case.margin for case in cases)]
        best = max(plain_at(cases, threshold, name) for threshold in thresholds)
        nothing = plain_at(cases, float("-inf"), name)
        assert figures[f"best_{name}"] == pytest.approx(best)
        if best > nothing + 1e-9:
            assert plain_at(cases, figures[f"best_{name}_thresh"], name) == pytest.approx(best)


@given(told(st.lists(PHRASE, min_size=1, max_size=3)))
@settings(max_examples=60, deadline=None)
def test_figures_of_version_1_are_those_of_the_published_rules(cases: list[Told]) -> None:
    figures, predictions = evaluate(cases, "1.1")
    assert predictions == [case.predicted or "" for case in cases]
    expected = plain_figures(cases, predictions, version="1.1")
    assert {name: figures[name] for name in expected} == pytest.approx(expected)
    assert not {"NoAns_total", "best_f1", "best_exact"} & set(figures)

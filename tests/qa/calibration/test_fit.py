"""Calibration: what agrees, what is fitted, where it is kept and when it holds."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from index.checkpoints.files import read_folder
from index.errors import DataError
from index.records import Hit
from index.store.store import Store
from ingest.records import Text
from qa.answering.answerer import Answerer
from qa.answering.calibration_file import (
    FIRST_EVIDENCE,
    Calibration,
    fitted_decision,
    reading_settings,
    save_calibration,
)
from qa.answering.decision import Claim, ConfidenceSettings, DecisionSettings, decide
from qa.calibration.calibrate import calibrate, collect
from qa.calibration.fit import LabelledQuestion, crossed_figures, figures, fit_decision
from qa.forms.evidence import SENTENCE_EVIDENCE
from qa.forms.question_kind import asks_for_several
from qa.reading.answer_equality import near_duplicates, same_answer
from qa.records import SpanCandidate
from qa.squad.dataset import Example, GoldAnswer, SquadFile

PLAIN = DecisionSettings(
    margin=0.0, score=1.0, log_rank=0.0, gap=0.0, coverage=0.0, cosine=0.0, no_answer=0.0, threshold=0.5
)


def claim(hit: Hit, text: str, score: float) -> Claim:
    start = hit.passage.text.index(text)
    span = SpanCandidate(
        text=text, start=start, end=start + len(text), score=score, null_score=0.0, context=0
    )
    return Claim(candidate=span, hit=hit, coverage=0.0)


class TestAgreement:
    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("the U.S. Senate", "US Senate", True),
            ("Bernadette Soubirous", "Saint Bernadette Soubirous", True),
            ("February 1858", "1858", True),
            ("2", "2 million", False),
            ("12", "February 12", False),
            ("John Smith", "John Adams", False),
            ("Paris", "the city of Paris in France", False),
            ("北京", "北京", True),
            ("the", "a", False),
            ("#", "#", True),
        ],
    )
    def test_the_same_answer(self, one: str, other: str, same: bool) -> None:
        assert same_answer(one, other) is same
        assert same_answer(other, one) is same

    def test_copies_count_once_and_are_listed(self, make_hit: Callable[..., Hit]) -> None:
        text = "In the year of the great flood the mayor Ada was elected by the council of the town."
        one, copy = make_hit(text, 1), make_hit(text + " Yes.", 2, document="d2")
        other = make_hit("All agreed on Ada that day, as the chronicle of the abbey says.", 3, document="d3")
        alone = decide([claim(one, "Ada", 2.0)], PLAIN)
        copied = decide([claim(one, "Ada", 2.0), claim(copy, "Ada", 2.0)], PLAIN)
        agreed = decide([claim(one, "Ada", 2.0), claim(other, "Ada", 2.0)], PLAIN)
        assert copied.confidence == pytest.approx(alone.confidence)
        assert [item.hit.document.id for item in copied.ranked[0].others] == ["d2"]
        assert agreed.confidence > alone.confidence

    def test_agreement_can_count_for_less(self, make_hit: Callable[..., Hit]) -> None:
        claims = [
            claim(make_hit("It was Ada.", 1), "Ada", 2.0),
            claim(make_hit("Ada said so.", 2, document="d2"), "Ada", 2.0),
        ]
        for agreement, mass in ((1.0, 2 + math.log(2)), (0.5, 2 + 0.5 * math.log(2)), (0.0, 2.0)):
            found = decide(claims, replace(PLAIN, agreement=agreement)).confidence
            assert found == pytest.approx(1 / (1 + math.exp(-mass)))

    def test_short_texts_are_duplicates_only_when_equal(self) -> None:
        assert near_duplicates("In Dover", "in dover")
        assert not near_duplicates("In Dover", "In Calais")


class TestSeveral:
    @pytest.mark.parametrize(
        ("question", "several"),
        [
            ("Which countries signed the treaty?", True),
            ("what three languages are spoken there", True),
            ("Who were the founders of the club?", True),
            ("Name all the moons of Mars", True),
            ("What are the main causes of rust?", True),
            ("Which country signed the treaty?", False),
            ("What is physics?", False),
            ("Who was the founder of the club?", False),
            ("What does this mean?", False),
            ("Why is the glass blue?", False),
            ("", False),
        ],
    )
    def test_by_form(self, question: str, several: bool) -> None:
        assert asks_for_several(question) is several

    def test_parts_of_one_list_do_not_compete(self, make_hit: Callable[..., Hit]) -> None:
        hit = make_hit("France, Spain and Italy signed", 1)
        claims = [claim(hit, name, 2.0) for name in ("France", "Spain", "Italy")]
        one, many = decide(claims, PLAIN), decide(claims, PLAIN, several=True)
        assert all(item.confidence < 0.34 for item in one.ranked)
        assert [item.confidence for item in many.ranked] == pytest.approx([1 / (1 + math.exp(-2.0))] * 3)

    def test_another_passage_still_competes(self, make_hit: Callable[..., Hit]) -> None:
        claims = [
            claim(make_hit("France signed", 1), "France", 2.0),
            claim(replaced(make_hit("Peru refused", 2, document="d2"), 9), "Peru", 2.0),
        ]
        assert decide(claims, PLAIN, several=True).confidence < 0.5


def replaced(hit: Hit, passage: int) -> Hit:
    return replace(hit, passage=replace(hit.passage, id=passage))


def questions(
    make_hit: Callable[..., Hit], count: int, *, seed: int = 0, unanswerable: float = 0.3
) -> list[LabelledQuestion]:
    """Questions where a span is right with a chance that its score says, and coverage tells as well."""
    lot = random.Random(seed)
    made = []
    for number in range(count):
        words = [f"w{number}x{place}" for place in range(4)]
        hits = [make_hit(word, place + 1, document=word) for place, word in enumerate(words)]
        answerable = lot.random() >= unanswerable
        right = lot.randrange(4) if answerable else None
        claims = []
        for place, (hit, word) in enumerate(zip(hits, words, strict=True)):
            score = lot.gauss(2.0 if place == right else 0.0, 1.0)
            covered = min(1.0, max(0.0, lot.gauss(0.8 if place == right else 0.4, 0.2)))
            claims.append(replace(claim(hit, word, score), coverage=covered))
        golds = (words[right],) if right is not None else ()
        made.append(LabelledQuestion(article=f"a{number % 10}", claims=tuple(claims), golds=golds))
    return made


class TestFitting:
    def test_evidence_that_tells_is_found(self, make_hit: Callable[..., Hit]) -> None:
        fitted = fit_decision(questions(make_hit, 400), PLAIN)
        unseen = questions(make_hit, 400, seed=1)
        before, after = figures(unseen, PLAIN), figures(unseen, fitted)
        assert fitted.coverage > 1.0
        assert after["exact_forced"] > before["exact_forced"] + 0.03
        assert after["ece"] < 0.06 < before["ece"]
        assert fitted.calibrated

    def test_crossed_figures_are_those_of_unseen_halves(self, make_hit: Callable[..., Hit]) -> None:
        crossed = crossed_figures(questions(make_hit, 400), PLAIN)
        unseen = figures(questions(make_hit, 400, seed=2), fit_decision(questions(make_hit, 400), PLAIN))
        assert crossed["exact_forced"] == pytest.approx(unseen["exact_forced"], abs=0.08)
        assert crossed["ece"] < 0.08

    def test_the_threshold_serves_both_kinds(self, make_hit: Callable[..., Hit]) -> None:
        made = questions(make_hit, 400)
        fitted = fit_decision(made, PLAIN)
        found = figures(made, fitted)

        def value(threshold: float) -> float:
            at = figures(made, replace(fitted, threshold=threshold))
            share = sum(bool(item.golds) for item in made) / len(made)
            wrong = at["wrong"] * share + (1 - at["refused"]) * (1 - share)
            return at["right"] * share - wrong

        assert 0.2 < found["refused"] < 1.0
        values = {step / 100: value(step / 100) for step in range(1, 100)}
        best = max(values.values())
        assert values[fitted.threshold] >= best - 0.011
        nearer = [step for step in values if abs(step - 0.5) < abs(fitted.threshold - 0.5) - 1e-9]
        assert all(values[step] < best - 0.009 for step in nearer)

    def test_without_unanswerable_questions_the_threshold_stays(self, make_hit: Callable[..., Hit]) -> None:
        fitted = fit_decision(questions(make_hit, 60, unanswerable=0.0), PLAIN)
        assert fitted.threshold == PLAIN.threshold

    def test_few_questions_move_little(self, make_hit: Callable[..., Hit]) -> None:
        few, many = (fit_decision(questions(make_hit, count), PLAIN) for count in (3, 300))
        assert abs(few.coverage - PLAIN.coverage) < abs(many.coverage - PLAIN.coverage)

    def test_nothing_claimed_is_no_failure(self) -> None:
        empty = [LabelledQuestion(article="a", claims=(), golds=("x",))]
        assert fit_decision(empty, PLAIN).no_answer == PLAIN.no_answer
        assert figures(empty, PLAIN)["exact_forced"] == 0.0

    def test_more_evidence_never_lowers_confidence(self, make_hit: Callable[..., Hit]) -> None:
        confidence = fit_decision(questions(make_hit, 300), PLAIN).confidence
        assert confidence.scale > 0
        assert min(confidence.margin, confidence.coverage, confidence.cosine, confidence.documents) >= 0

    def test_a_question_counts_by_its_weight(self, make_hit: Callable[..., Hit]) -> None:
        made = questions(make_hit, 200)
        doubled = fit_decision([*made, *made], PLAIN)
        weighed = fit_decision([replace(item, weight=2.0) for item in made], PLAIN)
        assert weighed.coverage == pytest.approx(doubled.coverage, abs=1e-3)
        assert weighed.confidence.scale == pytest.approx(doubled.confidence.scale, abs=1e-3)
        assert weighed.threshold == doubled.threshold

    def test_the_sentence_holds_an_answer_more_often_than_the_span_is_it(
        self, make_hit: Callable[..., Hit]
    ) -> None:
        lot = random.Random(4)
        made = []
        for number in range(200):
            hit = make_hit(f"The wide w{number} of old stands here.", 1)
            said = lot.choice(
                [f"w{number}", "wide"]
            )  # half of the spans are wrong, every sentence holds the answer
            span = replace(claim(hit, said, lot.gauss(0.0, 1.0)), coverage=0.5)
            made.append(LabelledQuestion(article=f"a{number % 10}", claims=(span,), golds=(f"w{number}",)))
        fitted = fit_decision(made, PLAIN).sentence
        assert 1 / (1 + math.exp(-fitted.shift)) > 0.9

    def test_each_judged_article_is_left_out_of_its_fit(
        self, make_hit: Callable[..., Hit], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = questions(make_hit, 60)
        fitted_on: list[set[str]] = []

        def fit(some: Sequence[LabelledQuestion], start: DecisionSettings) -> DecisionSettings:
            fitted_on.append({item.article for item in some})
            return start

        monkeypatch.setattr("qa.calibration.fit.fit_decision", fit)
        found = crossed_figures(made, PLAIN, judged=("a1", "a2"))
        assert fitted_on == [{f"a{n}" for n in range(10)} - {"a1"}, {f"a{n}" for n in range(10)} - {"a2"}]
        assert (
            found["exact_forced"]
            == figures([q for q in made if q.article in ("a1", "a2")], PLAIN)["exact_forced"]
        )


def calibration(**changes: object) -> Calibration:
    made = Calibration(
        encoder="e",
        reader="r",
        settings=reading_settings(),
        decision=replace(
            PLAIN, threshold=0.42, calibrated=True, confidence=ConfidenceSettings(scale=0.5, words=-0.1)
        ),
        questions=100,
        unanswerable=20,
        source="mine.json",
        figures={"ece": 0.02},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_bundled_calibration_applies_to_the_bundled_models(tmp_path: Path) -> None:
    # It fails where a default was changed that `reading_settings` covers: fit and ship a new calibration.
    encoder, reader = (read_folder("pocket", role).fingerprint for role in ("encoder", "reader"))
    assert fitted_decision(tmp_path, encoder=encoder, reader=reader).calibrated


class TestKeeping:
    def test_what_is_kept_comes_back(self, tmp_path: Path) -> None:
        save_calibration(tmp_path, calibration())
        assert fitted_decision(tmp_path, encoder="e", reader="r") == calibration().decision

    def test_another_model_is_not_served(self, tmp_path: Path) -> None:
        save_calibration(tmp_path, calibration())
        assert fitted_decision(tmp_path, encoder="e", reader="other") == DecisionSettings()
        assert fitted_decision(tmp_path, encoder="other", reader="r") == DecisionSettings()

    def test_other_settings_are_not_served(self, tmp_path: Path) -> None:
        save_calibration(tmp_path, calibration(settings="older"))
        assert fitted_decision(tmp_path, encoder="e", reader="r") == DecisionSettings()

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', "\x00"])
    def test_a_damaged_file_is_ignored_with_a_warning(
        self, tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = save_calibration(tmp_path, calibration())
        path.write_text(content, encoding="utf-8")
        assert fitted_decision(tmp_path, encoder="e", reader="r") == DecisionSettings()
        assert path.name in caplog.text

    def test_a_later_format_is_ignored(self, tmp_path: Path) -> None:
        path = save_calibration(tmp_path, calibration())
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"format": 3}))
        assert fitted_decision(tmp_path, encoder="e", reader="r") == DecisionSettings()

    def test_the_first_format_still_serves_and_knows_nothing_of_sentences(self, tmp_path: Path) -> None:
        # Its file bears the name that it had then, and its weights are those of the evidence of then.
        first = calibration(settings=reading_settings(FIRST_EVIDENCE), format=1)
        path = save_calibration(tmp_path, first)
        kept = json.loads(path.read_text(encoding="utf-8"))
        for name in SENTENCE_EVIDENCE:
            del kept["decision"][name]
        path.write_text(json.dumps(kept), encoding="utf-8")
        decision = fitted_decision(tmp_path, encoder="e", reader="r")
        assert decision.score == PLAIN.score
        assert decision.threshold == 0.42
        assert not any(getattr(decision, name) for name in SENTENCE_EVIDENCE)


class FirstWord:
    """Claims the first word of every context, the surer the longer the context."""

    name = fingerprint = "first word"

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        spans = []
        for index, context in enumerate(contexts):
            word = context.split()[0]
            spans.append(
                SpanCandidate(text=word, start=0, end=len(word), score=1.0, null_score=0.0, context=index)
            )
        return spans

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]


def squad(count: int) -> SquadFile:
    examples = []
    for number in range(count):
        context = f"Ship{number} sails from harbour{number} to bay{number}."
        examples.append(
            Example(
                id=str(number),
                question=f"What sails from harbour{number}?",
                context=context,
                title=f"t{number % 6}",
                answers=(GoldAnswer(text=f"Ship{number}", start=0),),
            )
        )
    return SquadFile(path="ships.json", version="1.1", examples=tuple(examples), wrong_offsets=0)


class TestCalibrating:
    def test_left_out_contexts_make_questions_without_an_answer(self, hashing_encoder: object) -> None:
        labelled = collect(squad(30), FirstWord(), hashing_encoder, left_out=0.2)  # type: ignore[arg-type]
        without = [question for question in labelled if not question.golds]
        assert len(labelled) == 30
        assert len(without) == 6
        said = {item.candidate.text for question in without for item in question.claims}
        answers = {f"Ship{number}" for number, question in enumerate(labelled) if not question.golds}
        assert not said & answers

    def test_too_few_questions_are_refused(self, hashing_encoder: object) -> None:
        with pytest.raises(DataError, match="19 questions"):
            collect(squad(19), FirstWord(), hashing_encoder)  # type: ignore[arg-type]

    def test_the_store_answers_by_what_was_fitted(self, store: Store, tmp_path: Path) -> None:
        path = tmp_path / "ships.json"
        paragraphs = [
            {
                "context": example.context,
                "qas": [
                    {
                        "id": example.id,
                        "question": example.question,
                        "answers": [{"text": example.answers[0].text, "answer_start": 0}],
                    }
                ],
            }
            for example in squad(40).examples
        ]
        data = [{"title": f"t{n}", "paragraphs": paragraphs[n::8]} for n in range(8)]
        path.write_text(json.dumps({"data": data}), encoding="utf-8")
        store.add([Text(id="1", text="Ship1 sails from harbour1 to bay1.", title="Ship")])
        before = Answerer(store, FirstWord()).ask("What sails from harbour1?")
        report = calibrate(path, store, FirstWord(), store.encoder)
        after = Answerer(store, FirstWord()).ask("What sails from harbour1?")
        assert not before.calibrated
        assert after.calibrated
        assert report.calibration.unanswerable == 8
        assert report.calibration.figures["exact_forced"] > 0.8
        assert after.confidence != before.confidence

    def test_asked_of_the_store_itself(self, store: Store, tmp_path: Path) -> None:
        examples = squad(30)
        store.add(
            Text(id=example.id, text=example.context, title=example.title)
            for example in examples.examples[:20]
        )
        labelled = collect(examples, FirstWord(), store.encoder, store=store)
        shown = [{item.candidate.text for item in question.claims} for question in labelled]
        assert sum(question.golds[0] in texts for question, texts in zip(labelled, shown, strict=True)) == 20


def test_the_least_confidence_can_be_moved(store: Store) -> None:
    store.add([Text(id="1", text="Ship1 sails from harbour1.", title="Ship")])
    answerer = Answerer(store, FirstWord(), decision=replace(PLAIN, threshold=0.99))
    result = answerer.ask("What sails from harbour1?")
    assert not result.answered
    assert answerer.ask("What sails from harbour1?", min_confidence=result.confidence).answered
    with pytest.raises(ValueError, match=r"1\.5"):
        answerer.ask("What?", min_confidence=1.5)

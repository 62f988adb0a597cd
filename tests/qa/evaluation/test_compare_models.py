"""Comparing models: what is measured, who is recommended and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from index.checkpoints.presets import ModelChoice
from index.errors import DataError, ModelNotFound
from qa.evaluation.compare_models import AskedQuestion, Measured, compare_models, recommend
from qa.evaluation.compare_worker import Trial, TrialAnswer, run_trial
from ui.cli import main
from ui.commands.models import comparison_text, read_asked


def measured(name: str, scores: list[float], milliseconds: float, texts: list[str] | None = None) -> Measured:
    answers = tuple(
        TrialAnswer(text=text, confidence=0.5, answered=True, passages=(), milliseconds=milliseconds)
        for text in texts or ["x"] * max(1, len(scores))
    )
    trial = Trial(answers=answers, passages=10, ingest_seconds=2.0, load_seconds=1.0, bytes=10, peak_bytes=20)
    mean = 100 * sum(scores) / len(scores) if scores else None
    return Measured(
        name=name,
        trial=trial,
        exact=mean,
        f1=mean,
        right=mean,
        found=mean,
        answered=1.0,
        scores=tuple(scores),
    )


GOOD, POOR = [1.0] * 30 + [0.0] * 10, [1.0] * 10 + [0.0] * 30


class TestRecommendation:
    def test_the_fastest_of_those_that_are_not_worse(self) -> None:
        almost = [*GOOD[:29], 0.0, *GOOD[30:]]
        found = recommend([measured("large", GOOD, 900), measured("small", almost, 100)], {})
        assert found.name == "small"
        assert found.reason.startswith(
            "9.0 times as fast as large, and not clearly worse: F1 72.5 against 75.0"
        )

    def test_the_best_where_the_fast_one_is_worse(self) -> None:
        found = recommend([measured("large", GOOD, 900), measured("small", POOR, 100)], {})
        assert found.name == "large"
        assert "small is worse (difference -50.0" in found.reason

    def test_the_best_that_is_also_the_fastest(self) -> None:
        almost = [*GOOD[:29], 0.0, *GOOD[30:]]
        slower = [measured("large", almost, 900), measured("wide", almost, 800)]
        found = recommend([measured("small", GOOD, 100), slower[0]], {})
        assert found.reason.endswith(", and faster than large, which is not clearly worse")
        found = recommend([measured("small", GOOD, 100), *slower], {})
        assert found.reason.endswith(", and faster than large and wide, which are not clearly worse")

    def test_nothing_is_known_without_answers(self) -> None:
        models = [measured("large", [], 900), measured("small", [], 100)]
        found = recommend(models, {("large", "small"): 0.7})
        assert found.name is None
        assert "write down the right answers" in found.reason
        agreed = recommend(models, {("large", "small"): 0.95})
        assert agreed.name == "small"
        assert "95 %" in agreed.reason


def test_a_trial_measures_what_was_asked(hashing_encoder: object, tiny_roberta_reader: Path) -> None:
    from qa.reading.reader import load_reader

    documents = [{"id": "a", "title": "A", "text": "The ship lies in the harbour of Dover."}]
    reader = load_reader(str(tiny_roberta_reader), engine="torch-fp32")
    trial = run_trial(hashing_encoder, reader, documents, ["Where is the ship?"], k=5)  # type: ignore[arg-type]
    (answer,) = trial.answers
    assert answer.text in documents[0]["text"]
    assert answer.passages == (documents[0]["text"],)
    assert trial.passages == 1
    assert trial.peak_bytes > 10**7
    assert answer.milliseconds > 0


def test_questions_of_ones_own(tmp_path: Path) -> None:
    plain = tmp_path / "q.txt"
    plain.write_text("who?\n\nwhere?\n")
    assert read_asked(plain) == [AskedQuestion(question="who?"), AskedQuestion(question="where?")]
    lines = tmp_path / "q.jsonl"
    lines.write_text('{"question": "who?", "answers": ["Ada"]}\n{"question": "why?", "answers": []}\n')
    assert [item.golds for item in read_asked(lines)] == [("Ada",), ()]
    lines.write_text('{"question": "who?", "answers": "Ada"}\n')
    with pytest.raises(DataError, match="no list of texts"):
        read_asked(lines)
    lines.write_text(
        '{"kind": "why", "question": "why?", "answers": ["to rest"]}\n'
        '{"kind": "fact", "question": "who?", "answerable": false, "answers": null}\n'
    )
    assert [(item.golds, item.kind) for item in read_asked(lines)] == [(("to rest",), "why"), ((), "fact")]


def test_natural_questions_are_judged_as_a_person_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clause that holds the accepted words is right, whatever its F1; so it decides between the models."""
    clause = "heat is lost, and the clay must rest"
    texts = {"clause": clause, "word": "heat"}

    def trial(choice: ModelChoice, documents: object, questions: Sequence[str], k: int) -> Trial:
        return measured(choice.reader, [], 100, [texts[choice.reader]] * len(questions)).trial

    monkeypatch.setattr("qa.evaluation.compare_models._trial", trial)
    monkeypatch.setattr("qa.evaluation.compare_models.weights_bytes", lambda encoder, reader: 0)
    choices = {name: ModelChoice(encoder="e", reader=name) for name in texts}
    for kind, score in (("why", "right 100.0"), (None, "F1 ")):
        asked = [AskedQuestion(question="why?", golds=("clay must rest",), kind=kind)] * 30
        found = compare_models(choices, [{"id": "a", "title": "", "text": "a"}], asked)
        assert found.models[0].right == 100.0
        assert found.models[1].right == 0.0
        assert found.recommendation.name == "clause"
        assert found.recommendation.reason.startswith(f"the best answers ({score}")


def test_what_is_wrong_is_said_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [AskedQuestion(question="who?")]
    with pytest.raises(DataError, match="too few to compare"):
        compare_models({}, [], asked)
    choice = ModelChoice(encoder="pocket", reader=str(tmp_path / "none"))
    with pytest.raises(ModelNotFound):
        compare_models({"a": choice}, [{"id": "a", "title": "", "text": "a"}], asked)
    assert main(["models", "compare", "pocket", "pocket,pocket"]) == 2
    assert "needs questions" in capsys.readouterr().err
    assert main(["models", "compare", "pocket", "--questions", "q.txt"]) == 2
    assert "cannot be compared" in capsys.readouterr().err


@pytest.mark.slow
def test_two_models_over_a_squad_file(
    tmp_path: Path, tiny_roberta_encoder: Path, tiny_roberta_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    qas = [
        {"id": str(n), "question": f"Where is ship {n}?", "answers": [{"text": "Dover", "answer_start": 13}]}
        for n in range(3)
    ]
    data = {"data": [{"title": "t", "paragraphs": [{"context": "The ship's in Dover now.", "qas": qas}]}]}
    path = tmp_path / "q.json"
    path.write_text(json.dumps(data))
    spec = f"{tiny_roberta_encoder},{tiny_roberta_reader}"
    assert main(["models", "compare", spec, f"{spec} ", "--questions", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["questions"] == 3
    assert found["agreement"][0]["same_answer"] == 1.0
    assert found["recommendation"]["models"] is not None
    assert all(item["peak_bytes"] > item["bytes"] > 0 for item in found["models"].values())


def test_table() -> None:
    from qa.evaluation.compare_models import Comparison, Recommendation

    found = Comparison(
        models=(measured("large", GOOD, 900), measured("small", [], 100)),
        questions=40,
        labelled=40,
        documents=2,
        agreement={("large", "small"): 0.5},
        differ=(("who?", {"large": "Ada", "small": ""}),),
        recommendation=Recommendation(name="large", reason="the best answers"),
    )
    text = comparison_text(found)
    assert "large and small give the same answer to 50 % of the questions" in text
    assert "who?  large: Ada; small: nothing" in text
    assert text.endswith("Take large: the best answers.")

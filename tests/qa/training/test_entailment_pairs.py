"""Questions and answers as statements, and the pairs made of labelled questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.datasets.labelled_texts import ExampleSource
from qa.training.entailment_pairs import read_judged_pairs
from qa.training.statements import premise, statement


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("Who wrote Emma?", "Jane Austen", "Jane Austen wrote Emma."),
        ("How many ships came in?", "three", "Three ships came in."),
        ("Which old town is the capital?", "Paris", "Paris is the capital."),
        ("In what year did it end?", "1945", "In 1945 did it end."),
        ("The capital of France is?", "Paris", "The capital of France is: Paris."),
        ("Who?", "Ada", "Ada."),
    ],
)
def test_statement(question: str, answer: str, said: str) -> None:
    assert statement(question, answer) == said


def test_premise_takes_the_sentence_before() -> None:
    text = "Ada was born in London. She wrote a letter in 1843. It was long."
    span = premise(text, text.index("1843"), text.index("1843") + 4, "en")
    assert text[span.start : span.end] == "Ada was born in London. She wrote a letter in 1843."
    first = premise(text, 0, 3, "en")
    assert text[first.start : first.end] == "Ada was born in London."


def test_pairs_of_labelled_questions(tmp_path: Path) -> None:
    context = "Ada was born in London in 1815. She died in Marylebone in 1852."
    qas = [
        ("When was Ada born?", "1815"),
        ("When did Ada die?", "1852"),
        ("Where did Ada die?", "Marylebone"),
        ("When did Ada marry?", None),
    ]
    written = [
        {
            "id": str(number),
            "question": question,
            "answers": [] if answer is None else [{"text": answer, "answer_start": context.index(answer)}],
        }
        for number, (question, answer) in enumerate(qas)
    ]
    path = tmp_path / "q.json"
    path.write_text(
        json.dumps({"data": [{"title": "t", "paragraphs": [{"context": context, "qas": written}]}]})
    )
    found = read_judged_pairs(ExampleSource(path=str(path))).examples
    assert found == read_judged_pairs(ExampleSource(path=str(path))).examples
    entailed = [example.second for example in found if example.label == "entailment"]
    assert entailed == ["1815 was Ada born.", "1852 did Ada die.", "Marylebone did Ada die."]
    for example in found:
        assert example.text in context
        assert example.second is not None
        if example.label != "entailment":
            assert example.second not in entailed
    (unanswerable,) = [example for example in found if "marry" in str(example.second)]
    assert unanswerable.label == "neutral"

"""Answers judged as a person would: more words than asked for, fewer, other numbers, other scripts."""

from __future__ import annotations

import pytest

from qa.evaluation.judgement import answer_words, holds_answer, holds_evidence, is_right


def test_words_keep_the_signs_of_code_and_lose_case_marks_and_articles() -> None:
    assert answer_words("The C++ and the *C#* compilers, with --undo!") == [
        *("c++", "and", "c#", "compilers", "with", "--undo")
    ]
    assert answer_words("don’t") == ["dont"]
    assert answer_words("中午 ４ｋｍ") == ["中", "午", "4km"]


@pytest.mark.parametrize(
    ("text", "accepted", "kind", "right"),
    [
        ("noon", "at noon", "fact", True),  # a part with F1 of two thirds
        ("every day at noon", "noon", "fact", True),  # three more words than asked for
        ("the ferry leaves the harbour every single day at about noon", "noon", "fact", False),
        ("the ferry leaves the harbour every single day at about noon", "noon", "howto", True),
        ("1843", "1842", "fact", False),
        ("in June 1843", "in July 1843", "fact", False),
        ("must not be taken out", "must be taken out", "condition", False),
        ("prefixing a keyword with r#", "by prefixing a keyword with r#", "howto", True),
        ("", "noon", "fact", False),
        ("中午十二点", "十二点", "fact", True),
        ("晚上", "中午", "fact", False),
    ],
)
def test_right_as_a_person_would_judge(text: str, accepted: str, kind: str, right: bool) -> None:
    assert is_right(text, [accepted], kind) is right


def test_one_of_several_accepted_answers_is_enough() -> None:
    assert is_right("noon", ["midday", "noon"], "fact")
    assert not is_right("noon", [], "fact")


def test_a_sentence_holds_an_answer_however_long_it_is() -> None:
    sentence = "The ferry, which was built in 1902 and mended twice since, leaves the harbour at noon."
    assert holds_answer(sentence, ["at noon"])
    assert not holds_answer(sentence, ["at midnight", ""])


def test_evidence_stands_in_a_passage_with_nine_tenths_of_its_words() -> None:
    evidence = "one two three four five six seven eight nine ten"
    assert holds_evidence("ten nine eight seven six five four three two", evidence)
    assert not holds_evidence("ten nine eight seven six five four three", evidence)
    assert not holds_evidence("anything", "")

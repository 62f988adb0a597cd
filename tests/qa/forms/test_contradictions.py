"""Answers that fit in form and that their own sentence speaks against; their siblings that stand."""

from __future__ import annotations

import pytest

from qa.forms.contradictions import contradicts, makes_demands

STAFF = "The director is Ada Bell, and the cook is Max Orr."
BRIDGES = "The old bridge fell in 1911; the new one was opened in 1913."
WORKERS = "The mill has 340 workers, of whom 120 work full-time."
POOL = "The sauna is closed on Tuesdays. The pool is open every day, except on 1 May."


@pytest.mark.parametrize(
    ("question", "answer", "sentence", "said"),
    [
        ("who is the deputy director", "Ada Bell", STAFF, True),
        ("who is the director", "Ada Bell", STAFF, False),
        ("Who is the assistant cook?", "Max Orr", STAFF, True),
        ("Who is the deputy director?", "Eva Lund", "The vice director is Eva Lund.", False),
        ("Wer ist der stellvertretende Leiter?", "Ida Moe", "Der Leiter ist Ida Moe.", True),
        ("¿Quién es el vicepresidente?", "Ana Gil", "El presidente es Ana Gil.", True),
        ("副主席是谁？", "王伟", "主席是王伟。", True),
        ("副主席是谁？", "李娜", "主席是王伟，副主席是李娜。", False),
        ("Who is acting in the play?", "Ida Moe", "Ida Moe plays in it.", False),
        ("How do I associate a file?", "by its name", "A file is known by its name.", False),
        ("When was the new bridge opened?", "1911", BRIDGES, True),
        ("When was the new bridge opened?", "1913", BRIDGES, False),
        ("When did the old bridge fall?", "1911", BRIDGES, False),
        ("How high is the second tower?", "40 m", "The first tower is 40 m high.", True),
        ("What is the maximum age?", "18", "The minimum age is 18.", True),
        ("How many workers are part-time?", "340", WORKERS, True),
        ("How many workers are part-time?", "120", WORKERS, True),
        ("How many workers work full-time?", "120", WORKERS, False),
        ("How many workers does the mill have?", "340", WORKERS, False),
        ("How many workers are there?", "340", WORKERS, False),
        ("How many cows and goats are there in total?", "12", "The farm has 12 cows and 30 goats.", True),
        ("How many animals are there in total?", "42", "In all there are 42 animals.", False),
        ("How many more goats than cows are there?", "30", "The farm has 12 cows and 30 goats.", True),
        ("How many years did it take to build the mill?", "1843", "The mill was finished in 1843.", True),
        ("How many years did it take to build the mill?", "two years", "It was built in two years.", False),
        ("how long did the siege last", "in May 1590", "The siege ended in May 1590.", True),
        (
            "On what day in July 1932 was the dam opened?",
            "3 June 1932",
            "It was opened on 3 June 1932.",
            True,
        ),
        ("On what day in June 1932 was the dam opened?", "3 June", "It was opened on 3 June 1932.", False),
        ("When was the dam opened in 1935?", "3 June", "It was opened on 3 June 1932.", True),
        ("When was the mill built by Ida Moe?", "1932", "The mill was built in 1932 by Max Orr.", True),
        ("When was the mill built by Max Orr?", "1932", "The mill was built in 1932 by Max Orr.", False),
        ("When was the mill built by Max Orr?", "1932", "It was built in 1932 by him.", False),
        ("Who was elected in March 2022?", "Ida Moe", "Ida Moe was elected in March 2021.", True),
        ("Who was elected in March 2021?", "Ida Moe", "Ida Moe was elected in March 2021.", False),
        ("Who lived there in 2022?", "Ida Moe", "Ida Moe, elected in 2021, has a house there.", False),
        ("Until when is the mayor elected?", "May 2021", "She was elected in May 2021 for six years.", True),
        (
            "Until when is the mayor elected?",
            "six years",
            "She was elected in May 2021 for six years.",
            False,
        ),
        ("Until when was he mayor?", "2009", "He was mayor until 2009.", False),
        ("who is ada bell", "Max Orr", STAFF, True),
        ("who is ada bell", "The director", STAFF, False),
        ("Who is Eva Lund?", "a painter", "Eva Lund is a painter, and Max Orr is a cook.", False),
        ("When was the dam opened?", "3 June", "It was opened on 3 June 1932.", False),
        ("When did the treaty signed after the war in 1815 end?", "1820", "It ended in 1820.", False),
    ],
)
def test_a_sentence_against_its_answer(question: str, answer: str, sentence: str, said: bool) -> None:
    assert contradicts(question, answer, sentence, headings=(), passage=sentence) is said
    assert makes_demands(question) or not said


def test_questions_without_such_a_form_are_not_looked_at() -> None:
    assert not any(map(makes_demands, ("How heavy is the bell?", "what is a cons list", "capital of Peru")))


def test_another_subject_of_the_same_passage() -> None:
    sentence = "The sauna is closed on Tuesdays."

    def of(question: str, passage: str = POOL) -> bool:
        return contradicts(question, "Tuesdays", sentence, headings=(), passage=passage)

    assert of("When is the pool closed?")
    assert not of("When is the sauna closed?")
    assert of(
        "When is the old pool closed?",
        "The small old swimming pool is open. The sauna is closed on Tuesdays.",
    )
    assert not of("When is the bath closed?")


def test_a_rank_in_the_heading_counts() -> None:
    sentence = "The director is Eva Lund."
    assert not contradicts(
        "Who is the deputy director?",
        "Eva Lund",
        sentence,
        headings=("Deputies", "Deputy board"),
        passage=sentence,
    )

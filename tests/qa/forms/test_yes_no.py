"""Questions for yes or no in six languages, and verdicts only where a sentence settles them."""

from __future__ import annotations

import pytest

from qa.forms.yes_no import asks_yes_no, verdict


@pytest.mark.parametrize(
    "question",
    [
        "Is the museum open on Sundays?",
        "do members pay for the sauna",
        "Isn't the harbour closed in winter?",
        "Was the bridge built before the war?",
        "Darf ich im Hof grillen?",
        "Gibt es einen Aufzug im Haus?",
        "Est-ce que le musée ferme le lundi ?",
        "Les chiens sont-ils admis ?",
        "Peut-on payer par carte ?",
        "¿Se puede pagar con tarjeta?",
        "¿Hay un ascensor en el edificio?",
        "可以带狗进去吗？",
        "会员是否需要付费",
        "犬を連れて行けますか？",
    ],
)
def test_questions_for_yes_or_no(question: str) -> None:
    assert asks_yes_no(question)


@pytest.mark.parametrize(
    "question",
    [
        "When is the museum open?",
        "is it",
        "Can you tell me who built the bridge?",
        "Is the sauna free or paid?",
        "Was kostet der Eintritt?",
        "Wann ist das Museum offen?",
        "Comment peut-on payer ?",
        "¿Cuándo se puede entrar?",
        "博物馆什么时候开门？",
        "博物館はいつ開きますか？",
        "members of the board",
    ],
)
def test_questions_for_something_else(question: str) -> None:
    assert not asks_yes_no(question)


@pytest.mark.parametrize(
    ("question", "sentence", "language", "said"),
    [
        (
            "Is the treasurer a member of the council?",
            "The treasurer is a member of the council.",
            "en",
            "yes",
        ),
        ("Do pupils pay the entrance fee?", "Pupils do not pay the entrance fee of 4 euros.", "en", "no"),
        (
            "Are cats allowed in the hall?",
            "Cats are not allowed in the hall, but they may use the yard.",
            "en",
            "no",
        ),
        (
            "May cats use the yard?",
            "Cats are not allowed in the hall, but they may use the yard.",
            "en",
            "yes",
        ),
        ("Is the pool open on 1 May?", "The pool is open every day, except on 1 and 2 May.", "en", "no"),
        ("Can I sail at 9 knots?", "Nobody may sail when the wind is faster than 8 knots.", "en", "no"),
        ("Can a room have three beds?", "A room can have at most two beds.", "en", "no"),
        ("Is smoking prohibited in the hall?", "Smoking is prohibited in the hall.", "en", "yes"),
        ("Darf man im Hof grillen?", "Im Hof darf man nicht grillen.", "de", None),
        ("Ist der Hof im Winter offen?", "Der Hof ist im Winter nicht offen.", "de", "no"),
        (
            "Les chiens sont-ils admis dans la salle ?",
            "Les chiens ne sont pas admis dans la salle.",
            "fr",
            "no",
        ),
        ("¿Está abierto el museo los lunes?", "El museo está abierto los lunes.", "es", "yes"),
        # nothing is settled
        ("Can I bring 5 guests?", "Boats take up to 4 guests.", "en", None),
        ("Do children of 15 years pay?", "Children not older than 12 years pay nothing.", "en", None),
        ("Can I sail at 7 knots?", "Nobody may sail when the wind is faster than 8 knots.", "en", None),
        (
            "Are masks compulsory for adults?",
            "Masks are compulsory for children and advised for adults.",
            "en",
            None,
        ),
        ("Is the pool open in May?", "The pool is open in May if the weather is good.", "en", None),
        ("Is the pool open every day?", "The pool is open every day, except on 1 May.", "en", None),
        ("Is the new roof made of copper?", "The new roof may be made of copper.", "en", None),
        ("Must guests pay the fee in cash?", "Guests pay the fee in cash.", "en", None),
        ("Are cats allowed?", "Cats are not allowed in the hall.", "en", None),
        (
            "Is the secretary a member of the council?",
            "The treasurer is a member of the council.",
            "en",
            None,
        ),
        ("Who is a member of the council?", "The treasurer is a member of the council.", "en", None),
        ("馆内可以拍照吗？", "馆内不可以拍照。", "zh", None),
    ],
)
def test_a_verdict_only_where_the_sentence_settles_it(
    question: str, sentence: str, language: str, said: str | None
) -> None:
    assert verdict(question, sentence, language) == said

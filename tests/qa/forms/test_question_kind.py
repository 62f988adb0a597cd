"""What a question asks for, by its form alone; none of these is a question of an evaluation set."""

from __future__ import annotations

import pytest

from qa.forms.question_kind import Kind, question_kind, subject


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who built the lighthouse?", Kind.FACT),
        ("height of the tower", Kind.FACT),
        ("What is the height of the tower?", Kind.FACT),
        ("what is the default port", Kind.FACT),
        ("how many keepers were there", Kind.FACT),
        ("when did the tower burn", Kind.FACT),
        ("", Kind.FACT),
        ("Wie hoch ist der Turm?", Kind.FACT),
        ("What is a keystone?", Kind.DEFINITION),
        ("whats mortar", Kind.DEFINITION),
        ("what's the keystone rule", Kind.DEFINITION),
        ("What does ashlar mean?", Kind.DEFINITION),
        ("meaning of ashlar", Kind.DEFINITION),
        ("ashlar definition", Kind.DEFINITION),
        ("ashlar - what is it", Kind.DEFINITION),
        ("What is a buttress for?", Kind.PURPOSE),
        ("what is lime used for", Kind.PURPOSE),
        ("what does the foreman do?", Kind.PURPOSE),
        ("What is the purpose of the moat?", Kind.PURPOSE),
        ("Why is the moat dry?", Kind.WHY),
        ("how come the moat is dry", Kind.WHY),
        ("What is the reason for the delay?", Kind.WHY),
        ("How do I mix mortar?", Kind.HOWTO),
        ("how to mix mortar", Kind.HOWTO),
        ("install the pump", Kind.HOWTO),
        ("What happens when the arch settles?", Kind.CONDITION),
        ("what if the arch settles", Kind.CONDITION),
        ("When should I lime the wall?", Kind.CONDITION),
        ("Can one wall carry two roofs?", Kind.YESNO),
        ("Is the bridge open to carts?", Kind.YESNO),
        ("Which towers were built?", Kind.LIST),
        ("name all the masons of the bridge", Kind.LIST),
    ],
)
def test_kinds(question: str, kind: Kind) -> None:
    assert question_kind(question) is kind


@pytest.mark.parametrize(
    ("question", "asked_of"),
    [
        ("What is a keystone?", "keystone"),
        ("meaning of ashlar", "ashlar"),
        ("ashlar masonry definition", "ashlar masonry"),
        ("what does ashlar mean?", "ashlar"),
        ("ashlar - what is it", "ashlar"),
        ("What is the purpose of the moat?", "moat"),
        ("what is a buttress used for", "buttress"),
        ("what does the foreman do?", "foreman"),
        ("?", "?"),
    ],
)
def test_subjects(question: str, asked_of: str) -> None:
    assert subject(question) == asked_of

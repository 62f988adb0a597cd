"""What the words of a candidate and of its sentence say for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from index.records import Hit
from ingest.records import Span
from qa.forms.evidence import SENTENCE_EVIDENCE, sentence_evidence

MakeHit = Callable[..., Hit]


def evidence(make_hit: MakeHit, question: str, text: str, chosen: str) -> dict[str, float]:
    start = text.index(chosen)
    return sentence_evidence(question, make_hit(text), Span(start=start, end=start + len(chosen)))


def test_every_name_is_given(make_hit: MakeHit) -> None:
    found = evidence(make_hit, "who won", "Ada won.", "Ada")
    assert tuple(found) == SENTENCE_EVIDENCE


@pytest.mark.parametrize(
    ("text", "defines"),
    [
        ("A keystone is the last stone of an arch.", 1.0),
        ("Keystones are cut to a wedge.", 1.0),
        ("The keystone (or capstone) holds the arch.", 0.0),
        ("Every mason who ever built one knows that the keystone is heavy.", 0.5),
        ("The last stone of an arch is called a keystone.", 0.5),
        ("They carried a keystone up the hill.", 0.0),
    ],
)
def test_sentences_that_define(make_hit: MakeHit, text: str, defines: float) -> None:
    assert evidence(make_hit, "what is a keystone?", text, text[:-1])["defines"] == defines


def test_only_a_question_for_a_definition_or_a_purpose_looks_for_one(make_hit: MakeHit) -> None:
    text = "A keystone is the last stone of an arch."
    assert evidence(make_hit, "how heavy is a keystone", text, text[:-1])["defines"] == 0.0


@pytest.mark.parametrize(
    ("question", "chosen", "mismatch"),
    [
        ("who built it", "a mason", 1.0),
        ("who built it", "Ada", 0.0),
        ("how many stones", "stones", 1.0),
        ("how many stones", "twelve stones", 0.0),
        ("when was it built", "the arch", 1.0),
        ("when was it built", "In 1702", 0.0),
        ("where was it built", "a mason", 0.0),
    ],
)
def test_a_candidate_of_another_kind_than_asked(
    make_hit: MakeHit, question: str, chosen: str, mismatch: float
) -> None:
    text = "In 1702 Ada and a mason set twelve stones of the arch."
    assert evidence(make_hit, question, text, chosen)["mismatch"] == mismatch


def test_words_of_the_question(make_hit: MakeHit) -> None:
    found = evidence(make_hit, "why did the old arches fall", "The arch fell because of frost.", "The arch")
    assert found["in_sentence"] == pytest.approx(1 / 3)  # of old, arch, fall
    assert found["echo"] == 1.0
    assert found["cue"] == 1.0


def test_a_heading_is_known(make_hit: MakeHit) -> None:
    text = "Top\n\nThe arch stands."
    assert evidence(make_hit, "arch", text, "Top")["title"] == 1.0
    assert evidence(make_hit, "arch", text, "arch")["title"] == 0.0

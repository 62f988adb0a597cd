"""Index terms: what must be found by what."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import analysis


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(analysis).failed == 0


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("see PROJ-1234 for this", "proj-1234"),
        ("since version 3.11.2 only", "3.11.2"),
        ("the setting max_len", "max_len"),
        ("हिन्दी भाषा", "हिन्दी"),
        ("自注意力", "注意"),
        ("東京タワー", "タワ"),
        ("Straße", "strasse"),
        ("ﬁnal", "final"),
    ],
)
def test_term_is_indexed(text: str, term: str) -> None:
    assert term in analysis.terms(text, "xx")


def test_question_word_meets_the_stem_of_every_language() -> None:
    for language, text in (("en", "running"), ("de", "Verträge"), ("fr", "attentions")):
        (variants,) = analysis.variants(text, ["en", "de", "fr"])
        assert analysis.terms(text, language)[0] in variants


def test_text_of_unknown_language_is_stemmed_as_english() -> None:
    assert analysis.terms("boats", "und") == analysis.terms("boats", "en")


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_quick_way_for_ascii_gives_what_the_general_way_gives(text: str) -> None:
    general = [word[:80] for word in analysis._words_of_any_script(text)]
    assert analysis.words(text) == general


@given(st.text())
def test_any_text_gives_terms_without_spaces(text: str) -> None:
    assert all(term and not any(c.isspace() for c in term) for term in analysis.terms(text, "en"))

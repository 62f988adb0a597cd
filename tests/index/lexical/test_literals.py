"""What a question names literally: phrases, identifiers, and what is neither."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import literals as exact

any_text = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\"“”„«»「」 _-./\\#+@$~%'a1é注ไ")))


def quoted(question: str) -> list[str]:
    return [" ".join(phrase.words) for phrase in exact.phrases(question)]


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(exact).failed == 0


@pytest.mark.parametrize(
    ("question", "phrases"),
    [
        ('who wrote "dynamic masking" first', ["dynamic masking"]),
        ('"one" and “Two words”', ["one", "two words"]),
        ("„Guten Tag“ oder »Gute Nacht« oder « bonne nuit »", ["guten tag", "gute nacht", "bonne nuit"]),
        ("什么是“自注意力”？", ["自注 注意 意力"]),
        ('什么是"自注意力"机制', ["自注 注意 意力"]),
        ("「自注意力」", ["自注 注意 意力"]),
        ('a 5" pipe beside a 6" hose', []),
        ('an "unbalanced question', []),
        ('unbalanced" question', []),
        ('"?!" and ""', []),
        ("it's the dog's 'bone'", []),
        ('"twice" and "Twice"', ["twice"]),
        ('"one two" three" four', ["one two"]),
    ],
)
def test_phrases(question: str, phrases: list[str]) -> None:
    assert quoted(question) == phrases


def test_single_quoted_word_in_a_long_text_is_emphasis() -> None:
    prose = "How do the many systems described in the literature of the last ten years "
    assert quoted(prose + 'find what "matches" a question') == ["matches"]
    assert quoted(prose * 2 + 'find what "matches" a question') == []
    assert quoted(prose * 2 + 'find what "exactly matches" a question') == ["exactly matches"]


@pytest.mark.parametrize(
    "name",
    "PROJ-1234 3.11.2 max_len E0382 CVE-2021-1234 os.path.join /usr/lib C:\\temp --no-cache -v C++ C# .NET "
    "__init__ std::vector $HOME @property a@b.org utf8 x86-64 §5a TNF-α2".split(),
)
def test_identifiers(name: str) -> None:
    for question in (name, f"what is {name}?", f"where is ({name}) described", f"{name}, and others"):
        assert any(found.identifier for found in exact.names(question)), question


@pytest.mark.parametrize("word", "boats full-text and/or R&D e.g. U.S. 1984 Knuth's Ärger 自注意力".split())
def test_ordinary_spelling_is_no_identifier(word: str) -> None:
    assert not any(found.identifier for found in exact.names(f"about {word} here"))


@given(any_text, any_text)
def test_every_name_of_a_question_stands_in_a_text_that_repeats_it(question: str, before: str) -> None:
    words, links = exact.words_and_links(f"{before}\n{question}")
    for name in (*exact.names(question), *exact.phrases(question)):
        assert set(name.words) <= set(words)
        assert {link for run in name.links for link in run} <= {link for run in links for link in run}


@given(any_text)
def test_the_quick_way_for_ascii_gives_what_the_general_way_gives(text: str) -> None:
    plain = text.encode("ascii", errors="ignore").decode()
    words, links = exact.words_and_links(plain)
    general_words, general_links = exact.words_and_links(f"{plain} é")
    assert (words, links) == (general_words[:-1], general_links)


@given(any_text)
def test_terms_hold_no_white_space(text: str) -> None:
    words, links = exact.words_and_links(text)
    for term in (*words, *(link for run in links for link in run)):
        assert term
        assert not any(character.isspace() for character in term)

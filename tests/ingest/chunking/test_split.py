"""Passages: exact, complete, in order, within the budget and inside their borders, whatever the text."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunking.split import CONTEXT_BYTES, ChunkSettings, embedding_text, split
from ingest.records import Document, Heading, Page, Passage, Span
from ingest.text.tokenizer import TextTokenizer

FAMILIES = ("roberta", "bert", "xlm-roberta")
SENTENCE = "The ship left the harbour at eight and sailed north along the coast. "


def document(
    text: str,
    *,
    title: str = "Log",
    headings: tuple[Heading, ...] = (),
    pages: tuple[Page, ...] = (),
    units: tuple[Span, ...] = (),
) -> Document:
    return Document(
        id="1",
        content_sha256="0",
        path="/log.md",
        title=title,
        text=text,
        type="md",
        language="en",
        headings=headings,
        pages=pages,
        units=units,
    )


def markdown(text: str) -> Document:
    """`#` lines as headings, so that an example can be read."""
    headings, offset = [], 0
    for line in text.splitlines(keepends=True):
        words = line.lstrip("#")
        if words != line:
            headings.append(Heading(level=len(line) - len(words), title=words.strip(), start=offset))
        offset += len(line)
    return document(text, headings=tuple(headings))


def texts(passages: tuple[Passage, ...]) -> list[str]:
    return [passage.text for passage in passages]


WORDS = st.sampled_from(
    [
        "the",
        "ship",
        "harbour",
        "3.14",
        "Dr.",
        "你好世界。",
        "😀",
        "e\u0301",
        "</s>",
        "x" * 30,
        "it's",
        "ﷺ",
        "\u200b",
    ]
)
LINES = st.lists(WORDS, max_size=30).map(" ".join)
BREAKS = st.sampled_from(
    ["\n", "\n\n", " ", "\n- ", "\n\n## ", "\n```\n", "\n| a | b |\n", "\n    ", ":\n\n", "\f"]
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    parts = draw(st.lists(st.tuples(LINES, BREAKS), max_size=12))
    text = "".join(line + gap for line, gap in parts) + draw(st.text(max_size=40))
    offsets = st.integers(0, len(text))
    starts = sorted(draw(st.sets(offsets, max_size=5)))
    headings = tuple(
        Heading(level=draw(st.integers(1, 3)), title=draw(LINES), start=start) for start in starts
    )
    borders = sorted({0, *draw(st.sets(offsets, max_size=3)), len(text)})
    ranges = list(pairwise(borders))
    kind = draw(st.sampled_from(["plain", "pages", "units"]))
    return document(
        text,
        title=draw(LINES),
        headings=headings,
        pages=tuple(Page(number=n, start=a, end=b) for n, (a, b) in enumerate(ranges, 1))
        if kind == "pages"
        else (),
        units=tuple(Span(start=a, end=b) for a, b in ranges) if kind == "units" else (),
    )


@pytest.fixture(scope="module")
def tokenizers(tiny_folder: Callable[[str, str], Path]) -> dict[str, TextTokenizer]:
    return {
        family: TextTokenizer.from_file(tiny_folder(family, "encoder") / "tokenizer.json")
        for family in FAMILIES
    }


@pytest.mark.parametrize("family", FAMILIES)
@given(
    document=documents(),
    max_tokens=st.integers(16, 120),
    min_tokens=st.integers(0, 48),
    overlap=st.integers(0, 8),
)
@settings(max_examples=60, deadline=None)
def test_passages_are_exact_complete_ordered_and_bounded(
    tokenizers: dict[str, TextTokenizer],
    family: str,
    document: Document,
    max_tokens: int,
    min_tokens: int,
    overlap: int,
) -> None:
    tokenizer = tokenizers[family]
    chosen = ChunkSettings(max_tokens=max_tokens, min_tokens=min_tokens, overlap=overlap)
    passages = split(document, tokenizer, chosen)

    covered: set[int] = set()
    for passage in passages:
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.text == passage.text.strip() != ""
        assert passage.page == document.page_at(passage.start)
        covered.update(range(passage.start, passage.end))
    blank = {index for index, character in enumerate(document.text) if character.isspace()}
    assert set(range(len(document.text))) - blank <= covered
    assert all(a.start < b.start and a.end < b.end for a, b in pairwise(passages))
    if not overlap:
        assert all(a.end <= b.start for a, b in pairwise(passages))

    for passage in passages:
        borders: tuple[Page | Span, ...] = (*document.pages, *document.units)
        assert not any(passage.start < border.start < passage.end for border in borders)
        given_to_encoder = embedding_text(document.title, passage.headings, passage.text)
        context = embedding_text(document.title, passage.headings, "x")
        if tokenizer.count(context) + 16 <= max_tokens:
            assert tokenizer.count(given_to_encoder) <= max_tokens or len(passage.text) == 1
    assert passages == split(document, tokenizer, chosen)


def test_no_text_no_passages(pocket_tokenizer: TextTokenizer) -> None:
    assert split(document(""), pocket_tokenizer) == ()
    assert split(document(" \n\n\t\f "), pocket_tokenizer) == ()


def test_small_paragraphs_under_one_heading_are_joined(pocket_tokenizer: TextTokenizer) -> None:
    text = "# Day one\n\nWind north.\n\nSea calm.\n\nAll well.\n\n# Day two\n\nWind west.\n\nSea rough."
    passages = split(markdown(text), pocket_tokenizer)
    assert texts(passages) == [text[: text.index("\n\n# Day two")], text[text.index("# Day two") :]]
    assert [passage.headings for passage in passages] == [("Day one",), ("Day two",)]


def test_a_lone_heading_goes_with_what_follows(pocket_tokenizer: TextTokenizer) -> None:
    text = f"# Log\n\n## Monday\n\n{SENTENCE * 10}\n\n## Tuesday\n\n{SENTENCE * 10}".strip()
    passages = split(markdown(text), pocket_tokenizer)
    assert [passage.headings for passage in passages] == [("Log", "Monday"), ("Log", "Tuesday")]
    assert passages[0].text.startswith("# Log\n\n## Monday\n\nThe ship")
    assert passages[1].text.startswith("## Tuesday\n\nThe ship")


def test_an_underlined_heading_is_one_heading(pocket_tokenizer: TextTokenizer) -> None:
    text = f"Monday\n======\n\n{SENTENCE * 14}\n\nTuesday\n=======\n\n{SENTENCE * 14}".strip()
    found = tuple(Heading(level=1, title=day, start=text.index(day)) for day in ("Monday", "Tuesday"))
    passages = split(document(text, headings=found), pocket_tokenizer)
    assert [passage.text.split("\n")[0] for passage in passages] == ["Monday", "Tuesday"]


def test_tiny_sections_are_joined_and_carry_the_shared_headings(pocket_tokenizer: TextTokenizer) -> None:
    text = "# Ship\n\n## Crew\n\nNine men.\n\n## Cargo\n\nTimber.\n\n# Port\n\nQuiet."
    passages = split(
        document(
            text,
            headings=(
                Heading(level=1, title="Ship", start=0),
                Heading(level=2, title="Crew", start=text.index("## Crew")),
                Heading(level=2, title="Cargo", start=text.index("## Cargo")),
                Heading(level=1, title="Port", start=text.index("# Port")),
            ),
        ),
        pocket_tokenizer,
    )
    assert [passage.headings for passage in passages] == [("Ship",), ("Port",)]
    assert passages[0].text.endswith("Timber.")


def test_a_long_paragraph_is_cut_between_sentences(pocket_tokenizer: TextTokenizer) -> None:
    text = "".join(f"Entry {number}: Dr. Smith measured 3.5 m at noon. " for number in range(100)).strip()
    passages = split(document(text), pocket_tokenizer)
    assert len(passages) > 3
    assert all(passage.text.startswith("Entry") for passage in passages)
    assert all(passage.text.endswith("noon.") for passage in passages)


def test_a_long_quotation_is_cut_after_full_stops(pocket_tokenizer: TextTokenizer) -> None:
    inner = "".join(f"I saw {number} gulls over the harbour today. " for number in range(60)).strip()
    passages = split(document(f"[“{inner}”]"), pocket_tokenizer)
    assert len(passages) > 2
    assert all(passage.text.endswith("today.") for passage in passages[:-1])


def test_a_list_is_not_torn_while_it_fits(pocket_tokenizer: TextTokenizer) -> None:
    items = "\n\n".join(f"- item {number} of the cargo, stowed aft" for number in range(12))
    text = f"{SENTENCE * 8}\n\nThe cargo:\n\n{items}\n\n{SENTENCE * 8}"
    passages = split(document(text), pocket_tokenizer)
    assert any(f"The cargo:\n\n{items}" in passage.text for passage in passages)


def test_fenced_code_with_blank_lines_is_not_torn_while_it_fits(pocket_tokenizer: TextTokenizer) -> None:
    code = "```python\n" + "\n\n".join(f"speed_{number} = {number}" for number in range(20)) + "\n```"
    text = f"{SENTENCE * 9}\n\n{code}\n\n{SENTENCE * 9}"
    assert any(code in passage.text for passage in split(document(text), pocket_tokenizer))


def test_a_table_over_the_budget_is_cut_between_rows(pocket_tokenizer: TextTokenizer) -> None:
    rows = [f"| ship {number}. Barque. | {number * 7} tons | Port of Leith |" for number in range(80)]
    passages = split(document("\n".join(rows)), pocket_tokenizer)
    assert len(passages) > 2
    assert [row for passage in passages for row in passage.text.split("\n")] == rows


def test_rows_in_words_are_not_cut_between_sentences(pocket_tokenizer: TextTokenizer) -> None:
    """A table whose parser named the columns has no bars or tabs any more, and full stops in its cells."""
    rows = [
        f"Ship: No. {number}. Barque; Port: {'Leith. ' * (number % 5 + 1)}Scotland" for number in range(60)
    ]
    passages = split(document("\n".join(rows)), pocket_tokenizer)
    assert len(passages) > 2
    assert [row for passage in passages for row in passage.text.split("\n")] == rows


def test_wrapped_prose_is_still_cut_between_sentences(pocket_tokenizer: TextTokenizer) -> None:
    text = textwrap.fill(SENTENCE * 40, 72)
    passages = split(document(text), pocket_tokenizer)
    assert len(passages) > 2
    assert all(passage.text.endswith("coast.") for passage in passages)


def test_a_line_that_is_too_long_is_cut_between_its_sentences(pocket_tokenizer: TextTokenizer) -> None:
    lines = ["- " + f"Item {number} lies aft, Dr. Smith says. " * 30 for number in range(3)]
    passages = split(document("\n".join(line.strip() for line in lines)), pocket_tokenizer)
    assert len(passages) > 3
    assert all(passage.text.endswith("says.") for passage in passages)


CODE = {
    "python": "import os\n\n\ndef speed(ship):\n    return ship.miles / ship.hours\n\n\nprint(speed(log[0]))",
    "rust": 'use std::io;\n\nfn main() {\n    let mut line = String::new();\n\n    println!("{line}");\n}',
    "shell": "$ cargo build\n   Compiling ship v0.1.0\n\n$ cargo run\n    Finished dev",
}


@pytest.mark.parametrize("language", CODE)
@given(before=st.integers(1, 16), after=st.integers(1, 16))
@settings(max_examples=25, deadline=None)
def test_code_is_not_torn_at_its_blank_lines(
    pocket_tokenizer: TextTokenizer, language: str, before: int, after: int
) -> None:
    """The parsers leave code without fences, and its blank lines look like those between paragraphs."""
    code = CODE[language]
    text = f"{(SENTENCE * before).strip()}\n\n{code}\n\n{(SENTENCE * after).strip()}"
    assert any(code in passage.text for passage in split(document(text), pocket_tokenizer))


@given(sizes=st.lists(st.integers(1, 10), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_a_question_stays_with_its_answer(pocket_tokenizer: TextTokenizer, sizes: list[int]) -> None:
    entries = [
        f"How far did ship {number} sail?\n\n{(SENTENCE * size).strip()}" for number, size in enumerate(sizes)
    ]
    found = texts(split(document("\n\n".join(entries)), pocket_tokenizer))
    assert all(any(entry in text for text in found) for entry in entries)


def test_rows_given_as_units_stay_alone(pocket_tokenizer: TextTokenizer) -> None:
    rows = ["name: Ada\nrole: mate", "name: Bo\nrole: cook"]
    text = "\n\n".join(rows)
    units = (Span(start=0, end=len(rows[0])), Span(start=len(rows[0]) + 2, end=len(text)))
    assert texts(split(document(text, units=units), pocket_tokenizer)) == rows


def test_pages_are_not_crossed_and_named(pocket_tokenizer: TextTokenizer) -> None:
    first, second = SENTENCE * 2, SENTENCE * 3
    pages = (
        Page(number=1, start=0, end=len(first)),
        Page(number=2, start=len(first), end=len(first + second)),
    )
    passages = split(document(first + second, pages=pages), pocket_tokenizer)
    assert [(passage.page, passage.text) for passage in passages] == [(1, first.strip()), (2, second.strip())]


@pytest.mark.parametrize("word", ["x", "ab1", "漢", "e\u0301", "👩\u200d🚀"])
def test_a_word_without_end_is_cut_and_complete(pocket_tokenizer: TextTokenizer, word: str) -> None:
    text = word * (50_000 // len(word))
    started = time.monotonic()
    passages = split(document(text), pocket_tokenizer)
    assert time.monotonic() - started < 20
    assert "".join(texts(passages)) == text
    assert max(len(passage.text) for passage in passages) <= 240 * 16
    assert not any(passage.text[0] in "\u0301\u200d" for passage in passages)


def test_overlap_repeats_whole_sentences(pocket_tokenizer: TextTokenizer) -> None:
    text = "".join(f"On day {number} the ship sailed on. " for number in range(80)).strip()
    plain = split(document(text), pocket_tokenizer, ChunkSettings(max_tokens=100))
    passages = split(document(text), pocket_tokenizer, ChunkSettings(max_tokens=100, overlap=20))
    assert all(a.end <= b.start for a, b in pairwise(plain))
    for before, after in pairwise(passages):
        repeated = text[after.start : before.end]
        assert repeated.startswith("On day")
        assert 0 < pocket_tokenizer.count(repeated) <= 20


def test_embedding_text_names_what_the_passage_does_not_say() -> None:
    assert embedding_text("", (), "It ranks.") == "It ranks."
    assert embedding_text("Search", ("BM25",), "It ranks.") == "Search > BM25\nIt ranks."
    assert embedding_text("Search", ("search", "BM25"), "It ranks.") == "Search > BM25\nIt ranks."
    assert embedding_text("Search", ("BM25",), "## BM25\n\nIt ranks.") == "Search\n## BM25\n\nIt ranks."
    assert embedding_text("BM25", (), "BM25\n====\nIt ranks.") == "BM25\n====\nIt ranks."


@given(title=st.text(max_size=300), headings=st.lists(st.text(max_size=300), max_size=6))
def test_the_context_is_bounded(title: str, headings: list[str]) -> None:
    whole = embedding_text(title, headings, "body")
    assert whole.endswith("body")
    assert len(whole.removesuffix("body").encode()) <= CONTEXT_BYTES + 1


def test_settings_fit_the_window() -> None:
    assert ChunkSettings.for_window(512).max_tokens == 240
    assert ChunkSettings.for_window(128).max_tokens == 126
    with pytest.raises(ValueError, match="max_tokens is 4"):
        ChunkSettings(max_tokens=4)
    with pytest.raises(ValueError, match="overlap is 200"):
        ChunkSettings(max_tokens=240, overlap=200)

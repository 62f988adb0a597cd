import unicodedata
from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.conversion.text_builder import TextBuilder
from ingest.records import Document, SourceRun
from ingest.text.normalise import NO_SOURCE, normalise, squeeze

Action = Callable[[TextBuilder], object]
words = st.text(alphabet="ab \n\tcé\u0301\u200b\ufb01.", max_size=12)


def _mapped(text: str) -> Action:
    return lambda builder: builder.mapped(text, [100 + i for i in range(len(text))], 1)


actions = st.lists(
    st.one_of(
        words.map(lambda text: lambda builder: builder.block(text)),
        words.map(lambda text: lambda builder: builder.line(text)),
        words.map(lambda text: lambda builder: builder.heading(1, text)),
        words.map(_mapped),
    ),
    max_size=8,
)


@given(st.lists(actions, max_size=4))
def test_everything_recorded_stands_where_it_says(pages: list[list[Action]]) -> None:
    builder = TextBuilder()
    for number, page in enumerate(pages, start=1):
        with builder.page(number), builder.unit():
            for action in page:
                action(builder)
    text = builder.text
    assert len(builder) == len(text)
    assert normalise(text) == text
    Document(
        id="",
        content_sha256="",
        path="",
        title="",
        text=text,
        type="",
        pages=tuple(builder.pages),
        units=tuple(builder.units),
        headings=tuple(builder.headings),
    )
    for heading in builder.headings:
        assert text[heading.start : heading.start + len(heading.title)] == heading.title
    for before, after in pairwise(builder.pages):
        assert before.end <= after.start
    for place in builder.pages:
        assert text[place.start : place.end] == text[place.start : place.end].strip("\n")
    for unit in builder.units:
        assert text[unit.start : unit.end].strip("\n") == text[unit.start : unit.end] != ""


@given(words, words)
def test_source_runs_lead_back_to_their_characters(first: str, second: str) -> None:
    builder = TextBuilder()
    source = first + second
    builder.mapped(first, range(len(first)), 1)
    builder.mapped(second, range(len(first), len(source)), 1)
    text = builder.text
    for run in builder.source_map:
        for offset in range(run.text_end - run.text_start):
            origin = source[run.source_start + offset]
            kept = text[run.text_start + offset]
            # What was spelled out or composed carries the number of the first character it was made of.
            if kept != " " and not unicodedata.combining(kept):
                assert unicodedata.normalize("NFD", kept)[0] in unicodedata.normalize("NFKD", origin)


def test_runs_break_where_characters_were_made_up_or_left_out() -> None:
    builder = TextBuilder()
    builder.block("Before")
    builder.mapped("exam ple", [0, 1, 2, 3, NO_SOURCE, 5, 6, 7], 2)
    assert builder.text == "Before\n\nexam ple"
    assert builder.source_map == [
        SourceRun(text_start=8, text_end=12, page=2, source_start=0),
        SourceRun(text_start=13, text_end=16, page=2, source_start=5),
    ]


def test_blocks_lines_and_empty_pieces() -> None:
    builder = TextBuilder()
    builder.paragraph(" One\n two ")
    builder.block("")
    builder.heading(2, "  ")
    builder.line("three")
    builder.block("  four\n    five")
    assert builder.text == "One two\nthree\n\n  four\n    five"
    assert builder.headings == []


def test_an_empty_page_has_a_place_of_no_length() -> None:
    builder = TextBuilder()
    with builder.page(1):
        builder.block("text")
    with builder.page(2):
        pass
    with builder.page(3):
        builder.block("more")
    assert [(page.number, page.start, page.end) for page in builder.pages] == [
        (1, 0, 4),
        (2, 4, 4),
        (3, 6, 10),
    ]


def test_squeeze_is_what_paragraphs_do() -> None:
    builder = TextBuilder()
    builder.paragraph("a\u00a0 b\nc")
    assert builder.text == squeeze("a\u00a0 b\nc")

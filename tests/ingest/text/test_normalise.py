import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.normalise import NO_SOURCE, normalise, normalise_mapped, squeeze

# Characters that the normal form changes, and their neighbours, far more often than chance would give them.
TRICKY = (
    "aeoé \t\r\n\x0b\x0c\x00\x85"
    "\u00a0\u00ad\u200b\u200c\u200d\u2028\u2029\ufeff\u3000\ufb01\ufb03\u0301\u0308"
    "\u0323\u0627\u0644\ufefb\u0915\u094d\u0937\u1100\u1161\u11a8\uac00\u2f00\ud800\U0001f468\ufe0f\u2126\u1f71"
)
texts = st.text(alphabet=st.one_of(st.sampled_from(TRICKY), st.characters()), max_size=60)


@given(texts)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert squeeze(squeeze(text)) == squeeze(text)


@given(texts)
def test_the_normal_form_is_what_it_promises(text: str) -> None:
    normal = normalise(text)
    assert unicodedata.is_normalized("NFC", normal)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c != "\n" for c in normal)
    assert "\n\n\n" not in normal
    assert " \n" not in normal
    assert normal == normal.strip("\n")
    normal.encode("utf-8")


@given(texts)
def test_mapping_gives_the_same_text_and_true_sources(text: str) -> None:
    normal, sources = normalise_mapped(text, range(len(text)))
    assert normal == normalise(text)
    assert len(sources) == len(normal)
    for character, source in zip(normal, sources, strict=True):
        # What was not changed must come from a character that normalises to it, or to something with it.
        origin = unicodedata.normalize("NFKD", text[source])
        assert (
            character == text[source]
            or (character in " \n" and normalise(f"a{text[source]}a") != f"a{text[source]}a")
            or unicodedata.normalize("NFKD", character)[0] == origin[0]
            or character in unicodedata.normalize("NFKC", text[source])
            or character == "\ufffd"
        )


def test_made_up_characters_have_no_source() -> None:
    text, sources = normalise_mapped("ab", [7, NO_SOURCE])
    assert (text, sources) == ("ab", [7, NO_SOURCE])


def test_a_missing_source_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 sources for 3 characters"):
        normalise_mapped("abc", [0, 1])


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\u00a0b\u2003c", "a b c"),
        ("hy\u00adphen\u200bation\ufeff", "hyphenation"),
        ("e\u0301cole", "école"),
        ("\ufb01nal o\ufb03ce", "final office"),
        ("\tindented", "    indented"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("line  \nnext", "line\nnext"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Lat\u200cin", "Latin"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("\ufefb", "لا"),
        ("\u2f08", "人"),
        ("\ud83d", "\ufffd"),
        ("\u1112\u1161\u11ab", "한"),
        ("“Ａ” stays", "“Ａ” stays"),
    ],
)
def test_normal_form_of(raw: str, normal: str) -> None:
    assert normalise(raw) == normal


def test_squeezed_text_is_one_line() -> None:
    assert squeeze("  a\n\n b\t c ") == "a b c"

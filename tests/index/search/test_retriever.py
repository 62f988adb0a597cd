"""Searching a store: what is asked for literally comes first, and no question is too strange."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.ingestion.embed_passages import UNKNOWN_LIMIT
from index.protocols import Encoder
from index.records import Mode
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.records import Text

NOTES = {
    "near": "Dynamic masking draws the masking anew; masking that is dynamic masks dynamic data, dynamic.",
    "phrase": "Some pages later, after all the tides, stands who first wrote of masking dynamic data.",
    "code": "The harbour master keeps his tides under PROJ-1234, beside the masking tape and other stores.",
    "other": "PROJ-1235 and PROJ 1234 are tides of another harbour; 1234 boats and the project lie there.",
    "name": "Of all the harbours the one at Quibblemouth has the least tides and the most boats.",
    "zh": "自注意力机制让每个词元直接查看句子中的所有其他词元。",
    "ar": "تقع المكتبة القديمة بالقرب من الميناء وتفتح أبوابها كل صباح.",
    "km": "បណ្ណាល័យចាស់នៅជិតកំពង់ផែ។",
    "ru": "Старая библиотека стоит у гавани и открыта каждое утро.",
}


@pytest.fixture
def notes(store: Store) -> Store:
    store.add([Text(id=name, text=text) for name, text in NOTES.items()])
    return store


def order(store: Store, query: str, mode: Mode = Mode.HYBRID) -> list[str]:
    hits = Retriever(store).search(query, len(NOTES), mode)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    return [hit.document.path.removeprefix("text:") for hit in hits]


@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.LEXICAL])
@pytest.mark.parametrize(
    ("query", "first"),
    [
        ('dynamic masking "masking dynamic data"', "phrase"),
        ("“masking dynamic data”", "phrase"),
        ('"Masking, dynamic" masking', "phrase"),
        ("what is PROJ-1234?", "code"),
        ("PROJ-1235", "other"),
        ("where is Quibblemouth described", "name"),
        ("„自注意力机制“", "zh"),
        ('"المكتبة القديمة"', "ar"),
    ],
)
def test_what_is_named_comes_first(notes: Store, query: str, first: str, mode: Mode) -> None:
    assert order(notes, query, mode)[0] == first


def test_others_follow_a_phrase(notes: Store) -> None:
    assert set(order(notes, '"masking dynamic data"', Mode.LEXICAL)) == {"phrase", "near", "code"}
    assert len(order(notes, '"masking dynamic data"')) >= 5


def test_quotes_are_only_text_in_dense_mode(notes: Store, hashing_encoder: Encoder) -> None:
    query = 'harbour tides boats "masking dynamic data"'
    assert order(notes, query)[0] == "phrase"
    vector = hashing_encoder.encode_queries([query])[0]
    stored = notes.snapshot().vectors.search(vector, len(NOTES))
    hits = Retriever(notes).search(query, len(NOTES), Mode.DENSE)
    assert [hit.passage.id for hit in hits] == stored.ids.tolist()
    assert hits[0].document.path != "text:phrase"


def test_scores_of_one_mode_are_that_list_s_scores(notes: Store) -> None:
    for hit in Retriever(notes).search('"masking dynamic data"', mode=Mode.LEXICAL):
        assert hit.score == hit.lexical_score
        assert hit.dense_score is None
    for hit in Retriever(notes).search("harbour tides"):
        assert 0 <= hit.score <= 1


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("ما هي المكتبة القديمة", "text:ar"),
        ("បណ្ណាល័យចាស់", "text:km"),
        ("自注意力机制是什么", "text:zh"),
        ("где стоит старая библиотека", "text:ru"),
    ],
)
def test_question_in_an_unknown_script_is_answered_by_words_and_says_so(
    notes: Store, query: str, path: str
) -> None:
    result = Retriever(notes).search(query)
    assert result.unsupported_language
    assert result[0].document.path == path
    assert not Retriever(notes).search("old library by the harbour").unsupported_language


ODD = [
    "", " ", "\u200f", "\u200d\u200d", "\u202eabc\u202c", "?!.,;:", '"', '""', '"""', '" "', "“”", "«",
    "「」", '"' * 999, "\ud800", 'a"\udfff"b', "\ud83d \ude00", "\x00", "👩\u200d👩\u200d👧", "🎉" * 50,
    "e\u0301" * 200, "\u0301", "a" * 10_000, "word " * 2_000, '"word" ' * 1_500, "max_len " * 1_250,
    "a-" * 5_000, "-_./" * 2_500, "注" * 10_000, "កម្ពុជា", "ไทย", "မြန်မာ", "العربية \u200fעברית", "हिन्दी",
    "한국어", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "ﷺ", "AND OR NOT (", "id:1", "body:*", "[a TO b]", "a~2 b^3", "\\", "+a -b", "<b>",
    "\u2028\u2029\n\t",
]  # fmt: skip


@pytest.mark.parametrize("mode", list(Mode))
def test_no_question_is_too_odd(notes: Store, hashing_encoder: Encoder, mode: Mode) -> None:
    retriever = Retriever(notes)
    for query, result in zip(ODD, retriever.search_many(ODD, 3, mode), strict=True):
        assert len(result) <= 3
        asked = mode is not Mode.LEXICAL and bool(query.strip())
        assert result.unsupported_language == (asked and hashing_encoder.unknown_share(query) > UNKNOWN_LIMIT)


odd_text = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cf", "Mn", "So", "Lo"]),
        st.sampled_from('"“”„«»「」 -_./\\#+'),
    ),
    max_size=60,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(odd_text, st.sampled_from(list(Mode)))
def test_any_text_is_a_question(notes: Store, query: str, mode: Mode) -> None:
    for asked in (query, f'"{query}" harbour', f"harbour {query}"):
        hits = Retriever(notes).search(asked, 3, mode)
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


# -- scripts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "served"),
    [
        ("Where is the library?", True),
        ("Où est la bibliothèque ? Ça coûte 3,50 €", True),
        ("Wo wäre Łódź, Þórshöfn, Đà Nẵng?", True),
        ("how long is the Москва river", True),
        ("E0382 3.11.2 αβ", True),
        ("", True),
        ("?!", True),
        ("где стоит библиотека", False),
        ("που είναι η βιβλιοθήκη", False),
        ("أين تقع المكتبة", False),
        ("היכן הספרייה", False),
        ("पुस्तकालय कहाँ है", False),
        ("도서관은 어디에 있습니까", False),
        ("图书馆在哪里", False),
        ("ห้องสมุดอยู่ที่ไหน", False),
        ("បណ្ណាល័យ", False),
    ],
)
def test_scripts_that_the_bundled_vocabulary_serves(
    hashing_encoder: Encoder, text: str, served: bool
) -> None:
    assert (hashing_encoder.unknown_share(text) <= UNKNOWN_LIMIT) is served


def test_passages_that_are_only_spelled_are_searched_by_words_alone(notes: Store) -> None:
    hits = Retriever(notes).search("the oldest of all harbours, and the library: библиотека", 9).hits
    unread = {hit.document.path for hit in hits if hit.dense_score is None}
    assert "text:ru" in unread
    assert not unread & {"text:near", "text:phrase", "text:code", "text:name"}

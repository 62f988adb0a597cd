"""The lexical index: what is found, by which language, and that repeating an update changes nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from index.lexical import analysis
from index.lexical.tantivy_index import PHRASE, DamagedLexicalIndex, EarlierLexicalIndex, LexicalIndex
from index.records import LexicalEntry

TEXTS = {
    1: ("en", "The boats were running before the wind."),
    2: ("en", "A boat needs a keel, a rudder and a patient crew; no boat needs haste."),
    3: ("de", "Die Verträge regeln die Miete der Boote."),
    4: ("zh", "自注意力机制让每个词元直接查看其他词元。"),
    5: ("en", "Error PROJ-1234 appears in version 3.11.2 only."),
}


def entry(passage_id: int) -> LexicalEntry:
    language, text = TEXTS[passage_id]
    return LexicalEntry(id=passage_id, document_key=passage_id * 10, text=text, language=language)


@pytest.fixture
def index(tmp_path: Path) -> LexicalIndex:
    made = LexicalIndex.create(tmp_path / "lexical")
    made.update([entry(passage_id) for passage_id in TEXTS], [])
    return made


def found(index: LexicalIndex, query: str, *languages: str) -> list[int]:
    return [hit.id for hit in index.view().search(query, 10, languages or ("en", "de", "zh"))]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("boat", 2),
        ("Who was running?", 1),
        ("Vertrag", 3),
        ("什么是自注意力机制？", 4),
        ("what is PROJ-1234?", 5),
        ("3.11.2", 5),
    ],
)
def test_first_hit(index: LexicalIndex, query: str, first: int) -> None:
    assert found(index, query)[0] == first


def test_stop_words_count_only_when_alone(index: LexicalIndex) -> None:
    assert found(index, "the rudder", "en") == [2]
    assert 1 in found(index, "the", "en")


def test_scores_are_bm25(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path / "bm25")
    texts = {1: "keel keel rudder", 2: "keel mast", 3: "sail sail sail sail"}
    index.update(
        [LexicalEntry(id=i, document_key=i, text=text, language="xx") for i, text in texts.items()], []
    )
    scores = {hit.id: hit.score for hit in index.view().search("keel", 10, ("xx",))}
    # N = 3 documents of 3, 2 and 4 words (mean 3), two of them with the word; k1 1.2, b 0.75.
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = {
        1: idf * 2.2 * 2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 3)),
        2: idf * 2.2 * 1 / (1 + 1.2 * (0.25 + 0.75 * 2 / 3)),
    }
    assert scores == pytest.approx(expected, rel=1e-4)


def test_words_in_several_languages_count_once(index: LexicalIndex) -> None:
    assert len(analysis.variants("boats", ["en", "de"])) == 1
    (alone,) = index.view().search("rudder", 10, ("en",))
    (mixed,) = index.view().search("rudder", 10, ("en", "de", "fr", "es"))
    assert mixed.score == pytest.approx(alone.score)


def test_only_the_given_documents(index: LexicalIndex) -> None:
    assert [hit.id for hit in index.view().search("boat", 10, ("en",), [10])] == [1]
    assert index.view().search("boat", 10, ("en",), []) == []


def test_update_can_be_repeated(index: LexicalIndex) -> None:
    before = index.view().search("boat", 10, ("en",))
    index.update([entry(1), entry(2)], [5])
    index.update([entry(1), entry(2)], [5])
    assert len(index.view()) == 4
    assert [hit.id for hit in index.view().search("boat", 10, ("en",))] == [hit.id for hit in before]
    assert index.view().ids().tolist() == [1, 2, 3, 4]


def test_view_does_not_change_under_its_reader(index: LexicalIndex) -> None:
    view = index.view()
    index.update([], [1, 2])
    assert len(view) == 5
    assert [hit.id for hit in view.search("boat", 10, ("en",))] == [2, 1]
    assert found(index, "boat", "en") == []


def test_opens_again_and_names_damage(index: LexicalIndex, tmp_path: Path) -> None:
    assert len(LexicalIndex.open(index.folder).view()) == 5
    with pytest.raises(DamagedLexicalIndex, match=r"meta\.json is missing"):
        LexicalIndex.open(tmp_path)


def test_read_only_folder_is_read_through_links(index: LexicalIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.lexical.tantivy_index.os.access", lambda *_: False)
    opened = LexicalIndex.open(index.folder)
    links, view = opened.folder, opened.view()
    assert links != index.folder
    del opened
    assert [hit.id for hit in view.search("rudder", 10, ("en",))] == [2]
    del view
    assert not links.exists()
    assert len(index.view()) == 5


# -- phrases and names ---------------------------------------------------------------------------------------

LITERAL = {
    1: ("en", "The masking is dynamic; dynamic things need no masking, dynamic as masking is. Dynamic!"),
    2: ("en", "It was long known. It is not said who first wrote of dynamic masking, or why."),
    3: ("en", "Set self.max_len in release 3.11.2 or later, with C++ and --no-cache."),
    4: ("en", "The max of all, the len of none. Releases 3, 11 and 2 use C. Mind the cache, no?"),
    5: ("zh", "论文第一次说明了自注意力机制。"),
    6: ("zh", "注意力机制自然重要，自己注意。"),
    7: ("en", "He raised two ValueErrors and a boat."),
    8: ("en", "ValueError, ValueError, ValueError: the boat again, a ValueError."),
}


@pytest.fixture
def literal(tmp_path: Path) -> LexicalIndex:
    made = LexicalIndex.create(tmp_path / "literal")
    made.update(
        [LexicalEntry(id=i, document_key=i, text=text, language=lang) for i, (lang, text) in LITERAL.items()],
        [],
    )
    return made


@pytest.mark.parametrize(
    ("query", "holders"),
    [
        ('"dynamic masking"', [2]),
        ('who wrote of "dynamic masking"?', [2]),
        ("“Dynamic Masking” dynamic dynamic", [2]),
        ('"dynamic masking" "long known"', [2]),
        ('"boats"', []),
        ('"need no masking, dynamic"', [1]),
        ('"need no masking dynamic"', [1]),
        ('"masking dynamic" or "max_len"', [1, 3]),
        ('"max len"', [3]),
        ('"with C++"', [3]),
        ('"use C"', [4]),
        ("“自注意力”", [5]),
        ('"the"', [1, 4, 8]),
    ],
)
def test_passages_with_the_phrase_come_first(literal: LexicalIndex, query: str, holders: list[int]) -> None:
    hits = literal.view().search(query, 10, ("en", "zh"))
    first = [hit.id for hit in hits if hit.first]
    # Beside phrases a name that makes up half of the question comes first too.
    assert sorted(hit.id for hit in hits if hit.first >= PHRASE) == holders
    assert [hit.id for hit in hits][: len(first)] == first


def test_passages_without_the_phrase_follow(literal: LexicalIndex) -> None:
    assert found(literal, '"dynamic masking"') == [2, 1]
    plain = {hit.id: hit.score for hit in literal.view().search("dynamic masking", 10, ("en",))}
    with_phrase = {hit.id: hit.score for hit in literal.view().search('"dynamic masking"', 10, ("en",))}
    assert with_phrase == pytest.approx(plain, abs=1e-3)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("what is max_len", 3),
        ("where is 3.11.2 described", 3),
        ("C++", 3),
        ("what does --no-cache do?", 3),
        ("ValueErrors", 7),
        ("what are ValueErrors", 7),
    ],
)
def test_passage_with_the_name_comes_first(literal: LexicalIndex, query: str, first: int) -> None:
    best = literal.view().search(query, 10, ("en", "zh"))[0]
    assert (best.id, best.first) == (first, 1)


def test_rare_word_that_is_little_of_the_question_demands_nothing(literal: LexicalIndex) -> None:
    query = "who wrote long ago of the masking of caches, boats and releases, by rudders or later"
    named = {name.literal.words: name for name in literal.view().named(query)}
    assert 0 < named["wrote",].share < 0.5
    assert not named["wrote",].first
    assert literal.view().named(f"{query} in 3.11.2")[-1].first


def test_identifier_in_many_passages_is_a_name_but_no_demand(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path / "many")
    texts = [f"Passage {n} of {'max_len' if n % 3 else 'boats'} and passages." for n in range(30)]
    index.update([LexicalEntry(id=i, document_key=i, text=t, language="en") for i, t in enumerate(texts)], [])
    (name,) = index.view().named("why do all passages tell of max_len or passage 7, 8 and 9?")[:1]
    assert name.literal.words == ("max", "len")
    assert not name.first


def test_name_that_next_to_no_passage_holds_comes_first_in_a_long_sentence(tmp_path: Path) -> None:
    words = "somebody asked council tides old harbour wanted know more boats library winter".split()
    texts = [" ".join(words[(i + step) % len(words)] for step in range(3)) for i in range(3_400)]
    texts[7] = "Of Quibblemouth there is nothing to tell."
    index = LexicalIndex.create(tmp_path / "lexical")
    index.update([LexicalEntry(id=i, document_key=i, text=t, language="en") for i, t in enumerate(texts)], [])
    question = (
        "What more did somebody who asked the old council in {} know of winter, tides, harbour and boats?"
    )
    view = index.view()
    assert view.search(question.format("Quibblemouth"), 1, ["en"])[0].id == 7
    assert not any(name.first for name in view.named(question.format("quibblemouth")))
    assert not any(name.first for name in view.named(question.format("Quibblemouth") * 3))


def test_holders_among_ids(literal: LexicalIndex) -> None:
    (name,) = literal.view().named("max_len")
    assert literal.view().holders(name.literal, [1, 3, 4]) == {3}
    assert literal.view().holders(name.literal, [1, 4]) == set()
    assert literal.view().holders(name.literal, []) == set()


def test_phrase_within_given_documents_only(literal: LexicalIndex) -> None:
    hits = literal.view().search('"dynamic masking"', 10, ("en",), [1, 4])
    assert [(hit.id, hit.first) for hit in hits] == [(1, 0)]


@pytest.mark.parametrize("label", [None, {"store": "", "name": "lexical"}])
def test_index_with_the_terms_of_an_earlier_version_is_made_again(
    index: LexicalIndex, tmp_path: Path, label: dict[str, str] | None
) -> None:
    file = index.folder / "spanwise.json"
    file.unlink() if label is None else file.write_text(json.dumps(label))
    with pytest.raises(EarlierLexicalIndex, match="earlier version"):
        LexicalIndex.open(index.folder)


@pytest.mark.parametrize(
    ("query", "text", "language"),
    [
        ("도서관", "도서관에서는 책을 빌릴 수 있다.", "ko"),
        ("서울역", "기차는 서울역까지만 갑니다.", "ko"),
        ("규정을", "이 규정은 내년부터 적용된다.", "ko"),
        ("API", "새로운 API는 느리다.", "ko"),
        ("ספר", "קראתי בספר הזה אתמול", "he"),
        ("אוניברסיטה", "היא לומדת באוניברסיטה", "he"),
        ("גן", "הילדים שיחקו והגן היה מלא", "he"),
        ("המכתב", "שלחתי מכתב ארוך", "he"),
    ],
)
def test_word_is_found_with_what_is_set_to_it(tmp_path: Path, query: str, text: str, language: str) -> None:
    index = LexicalIndex.create(tmp_path / "lexical")
    others = [("한국의 날씨가 춥다.", "ko"), ("מזג האוויר קר היום", "he"), ("It is cold today.", "en")]
    entries = [
        LexicalEntry(id=number, document_key=number, text=words, language=kind)
        for number, (words, kind) in enumerate([(text, language), *others])
    ]
    index.update(entries, [])
    assert [hit.id for hit in index.view().search(query, 10, ("ko", "he", "en"))] == [0]

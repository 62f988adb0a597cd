"""The lexical index: what is found, by which language, and that repeating an update changes nothing."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from index import analysis
from index.lexical import DamagedLexicalIndex, LexicalEntry, LexicalIndex

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
    monkeypatch.setattr("index.lexical.os.access", lambda *_: False)
    opened = LexicalIndex.open(index.folder)
    links, view = opened.folder, opened.view()
    assert links != index.folder
    del opened
    assert [hit.id for hit in view.search("rudder", 10, ("en",))] == [2]
    del view
    assert not links.exists()
    assert len(index.view()) == 5

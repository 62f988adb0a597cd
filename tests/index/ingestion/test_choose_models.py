"""The models of a new store: chosen by its first documents, recorded once, said once."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.ingestion.choose_models import FirstDocuments, foreign_note, preset_for
from index.protocols import Encoder
from index.records import FileState
from index.store.store import Store
from ingest.conversion.parser_pool import document_from_text
from ingest.records import Text

CHINESE = "港口在城镇的北边，灯塔建于一八七一年。每天早上有三班渡船开往岛上，票价为十五元。" * 12
ENGLISH = "The harbour lies to the north of the town, and the lighthouse was built in 1871. " * 10
STATE = FileState.now(1, 1)


@pytest.fixture
def by_name(hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the encoders that are loaded; each is the hashing encoder under that name."""
    names: list[str] = []

    def load(name: str) -> Encoder:
        names.append(name)
        monkeypatch.setattr(hashing_encoder, "name", name)
        return hashing_encoder

    monkeypatch.setattr("index.models.encoder.load_encoder", load)
    return names


@pytest.mark.parametrize(
    ("characters", "preset"),
    [
        ({"en": 1000}, "pocket"),
        ({"en": 950, "de": 50}, "pocket"),
        ({"en": 800, "zh": 100, "de": 100}, "polyglot"),
        ({"zh": 10}, "polyglot"),
        ({"und": 5000}, "pocket"),
        ({"und": 5000, "ja": 10}, "polyglot"),
        ({}, "pocket"),
    ],
)
def test_languages_choose(characters: dict[str, int], preset: str) -> None:
    assert preset_for(characters) == preset


def test_the_first_documents_wait_for_the_choice() -> None:
    chosen: list[str] = []
    first = FirstDocuments(chosen.append)
    english = document_from_text(Text(id="a", text=ENGLISH))
    chinese = document_from_text(Text(id="b", text=CHINESE))
    assert not first.add(english, STATE)
    assert not first.add(chinese, STATE)
    assert [document for document, _ in first.release()] == [english, chinese]
    assert chosen == ["polyglot"]
    assert not first.release()
    assert chosen == ["polyglot"]


def test_many_documents_do_not_wait() -> None:
    chosen: list[str] = []
    first = FirstDocuments(chosen.append)
    english = document_from_text(Text(id="a", text=ENGLISH))
    sizes = [len(first.add(english, STATE)) for _ in range(64)]
    assert sizes == [0] * 63 + [64]
    assert chosen == ["pocket"]


def test_a_store_takes_the_models_of_its_first_documents_once(tmp_path: Path, by_name: list[str]) -> None:
    with Store.open(tmp_path / "store", create=True) as store:
        assert store.add([Text(id="a", text=CHINESE)]).models == "polyglot"
        assert store.add([Text(id="b", text=ENGLISH)]).models is None
        assert store.recorded_models()[1] == "polyglot"
        assert by_name == ["polyglot"]
    with Store.open(tmp_path / "store") as store:
        assert (store.models.encoder, store.models.reader) == ("polyglot", "polyglot")
        assert store.stats().documents == 2


def test_named_models_are_taken_as_they_are(tmp_path: Path, by_name: list[str]) -> None:
    with Store.open(tmp_path / "store", create=True, models="pocket") as store:
        report = store.add([Text(id="a", text=CHINESE)])
        assert report.models is None
        assert by_name == ["pocket"]


def test_other_languages_in_an_english_store_are_named(tmp_path: Path, by_name: list[str]) -> None:
    with Store.open(tmp_path / "store", create=True) as store:
        report = store.add([Text(id="a", text=ENGLISH)])
        assert (report.models, report.warnings) == ("pocket", ())
        report = store.add([Text(id="b", text=CHINESE), Text(id="c", text=ENGLISH + "More.")])
        assert report.warnings == (foreign_note({"zh": 1}),)
        assert "spanwise reembed --models polyglot" in report.warnings[0]
        assert by_name == ["pocket"]

"""The address means the same to everybody, and filters count what stands behind them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from index.records import DocumentInfo, Filters, Hit, Mode, StoredPassage
from ui.services.facets import common_folder, facets
from ui.services.url_state import Choices, carried, read_choices


def document(path: str, language: str = "en", day: int = 1) -> DocumentInfo:
    return DocumentInfo(
        id=path,
        path=path,
        title=path,
        language=language,
        type=path.rpartition(".")[2],
        characters=1,
        passages=1,
        modified=datetime(2024, 5, day, 12, tzinfo=UTC),
        paths=(path,),
    )


def hit(document: DocumentInfo) -> Hit:
    passage = StoredPassage(id=1, document_id=document.id, text="x", start=0, end=1)
    return Hit(rank=1, score=1.0, dense_score=None, lexical_score=None, passage=passage, document=document)


DOCUMENTS = (
    document("/lib/law/a.pdf"),
    document("/lib/law/old/b.pdf", "de", 9),
    document("/lib/notes/c.md", "de"),
    document("/lib/notes/d.md", day=20),
)


def test_an_address_is_read_whole() -> None:
    choices = read_choices(
        {
            "q": ["x"],
            "type": ["pdf", "md"],
            "folder": ["/lib/[1]"],
            "since": ["2024-05-01"],
            "until": ["2024-05-31"],
            "k": ["30"],
            "sure": ["60"],
            "guess": ["1"],
            "mode": ["lexical"],
        }
    )
    assert choices.passages == 30
    assert choices.min_confidence == 0.6
    assert choices.always_answer
    assert choices.mode is Mode.LEXICAL
    assert choices.restrictions == 4
    assert choices.filters == Filters(
        paths=("/lib/\\[1\\]/",),
        types=("pdf", "md"),
        since=datetime(2024, 5, 1, tzinfo=UTC),
        until=datetime(2024, 5, 31, 23, 59, 59, 999999, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("key", "value"), [("k", "many"), ("since", "soon"), ("sure", "x"), ("mode", "magic"), ("guess", "yes")]
)
def test_what_cannot_be_understood_is_passed_over(key: str, value: str) -> None:
    assert read_choices({key: [value]}) == Choices()


def test_numbers_stay_within_their_limits() -> None:
    assert read_choices({"k": ["9999"], "sure": ["-5"]}) == Choices(passages=50, min_confidence=0.0)


def test_links_hand_on_what_is_shared_and_nothing_else() -> None:
    parameters = {"id": ["d1"], "lang": ["zh"], "type": ["pdf", "md"], "q": ["who?"]}
    assert carried(parameters) == [("q", "who?"), ("lang", "zh"), ("type", "pdf"), ("type", "md")]


def test_a_filter_is_counted_under_the_others_and_not_under_itself() -> None:
    found = facets(DOCUMENTS, {"draft": frozenset({"/lib/notes/c.md"})}, Choices(types=("pdf",)))
    assert found.passing == 2
    assert found.values["type"] == {"md": 2, "pdf": 2}
    assert found.values["language"] == {"de": 1, "en": 1}
    assert found.values["folder"] == {"/lib": 2, "/lib/law": 2, "/lib/law/old": 1}
    assert found.values["label"] == {}


def test_dates_and_labels_are_counted_and_a_value_that_has_gone_stays_visible() -> None:
    choices = Choices(since=date(2024, 5, 5), languages=("fr",))
    found = facets(DOCUMENTS, {"draft": frozenset({"/lib/notes/d.md"})}, choices)
    assert found.passing == 0
    assert found.values["language"] == {"de": 1, "en": 1, "fr": 0}
    assert facets(DOCUMENTS, {"draft": frozenset({"/lib/notes/d.md"})}, Choices()).values["label"] == {
        "draft": 1
    }


def test_passages_that_were_found_are_counted_beside_the_documents() -> None:
    hits = [hit(DOCUMENTS[0]), hit(DOCUMENTS[0]), hit(DOCUMENTS[1])]
    found = facets(DOCUMENTS, {"draft": frozenset({"/lib/law/a.pdf"})}, Choices(), hits)
    assert found.found["type"] == {"pdf": 3}
    assert found.found["language"] == {"en": 2, "de": 1}
    assert found.found["folder"] == {"/lib": 3, "/lib/law": 3, "/lib/law/old": 1}
    assert found.found["label"] == {"draft": 2}
    assert found.values["type"] == {"md": 2, "pdf": 2}


def test_texts_without_a_file_have_no_folder() -> None:
    assert common_folder([]) == ""
    text = replace(DOCUMENTS[0], paths=("text:n1",), path="text:n1")
    assert facets([text], {}, Choices()).values["folder"] == {}

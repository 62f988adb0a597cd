"""Filters over document records."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from index.filters import matching
from index.records import DocumentInfo, Filters


def document(path: str, language: str = "en", day: int = 1) -> DocumentInfo:
    return DocumentInfo(
        id=f"id-{path}",
        path=path,
        title=path,
        language=language,
        type=Path(path).suffix.lstrip("."),
        characters=1,
        passages=1,
        modified=datetime(2026, 5, day, tzinfo=UTC),
        paths=(path, f"/copies{path}"),
    )


DOCUMENTS = {
    1: document("/home/a/notes/one.md", day=1),
    2: document("/home/a/notes/deep/two.pdf", language="de", day=2),
    3: document("/home/a/letters/three.pdf", day=3),
}


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        (Filters(), [1, 2, 3]),
        (Filters(languages=("DE",)), [2]),
        (Filters(types=(".pdf",)), [2, 3]),
        (Filters(types=("pdf",), languages=("en",)), [3]),
        (Filters(paths=("/home/a/notes",)), [1, 2]),
        (Filters(paths=("/home/a/notes/*.md", "three.pdf")), [1, 3]),
        (Filters(paths=("/home/a/**/two.pdf",)), [2]),
        (Filters(paths=("/copies/home/a/letters/",)), [3]),
        (Filters(paths=("/nowhere",)), []),
        (Filters(documents=("id-/home/a/notes/one.md", "unknown")), [1]),
        (Filters(since=datetime(2026, 5, 2, tzinfo=UTC)), [2, 3]),
        (Filters(until=datetime(2026, 5, 2, tzinfo=UTC)), [1, 2]),
    ],
)
def test_or_within_a_field_and_across_fields(filters: Filters, keys: list[int]) -> None:
    assert matching(DOCUMENTS, filters) == keys


def test_relative_path_that_exists_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    here = {1: document(f"{tmp_path.resolve().as_posix()}/notes/a.md"), 2: document("/elsewhere/notes2/a.md")}
    assert matching(here, Filters(paths=("notes",))) == [1]

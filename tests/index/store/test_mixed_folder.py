"""A folder of everything, taken in by a store: what is said about each file, and what a second run costs."""

from __future__ import annotations

import tarfile
from collections import Counter
from pathlib import Path

import pytest

from index.store.store import Store

ARCHIVE = Path(__file__).parents[4] / "shared" / "data" / "documents" / "mixed.tar.gz"


@pytest.mark.full
@pytest.mark.timeout(900)
def test_every_file_is_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if not ARCHIVE.exists():
        pytest.skip(f"{ARCHIVE} is missing")
    with tarfile.open(ARCHIVE) as tar:
        tar.extractall(tmp_path / "docs", filter="data")
    monkeypatch.setattr("index.ingestion.change_detection._RACY_NS", -(10**18))
    report = store.ingest([tmp_path / "docs"])
    assert capfd.readouterr() == ("", "")
    files = list(store.files())
    assert len(files) == 276 == report.added + len(report.rejected)
    for file in files:
        if file.rejected is not None:
            assert len(file.rejected.detail.split()) >= 3, file
        else:
            assert file.characters > 0, file
            assert file.passages > 0, file
            assert file.pages_with_text <= file.pages
    reasons = Counter(file.rejected.reason.value for file in files if file.rejected is not None)
    assert reasons == {"unsupported": 14, "no_text": 12, "empty": 4, "encrypted": 3}
    again = store.ingest([tmp_path / "docs"])
    assert (again.unchanged, again.rejected) == (report.added, report.rejected)
    assert again.seconds < 20
    assert store.check().ok

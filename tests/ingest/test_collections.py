"""Real files: what a newcomer's folder holds, and what must come out of it."""

import re
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from ingest import Document, Rejected, ingest_paths
from ingest.text.normalise import normalise

DATA = Path(__file__).parents[3] / "shared" / "data" / "documents"


def _unpack(name: str, folder: Path) -> Path:
    archive = DATA / f"{name}.tar.gz"
    if not archive.exists():
        pytest.skip(f"{archive} is missing")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


@pytest.mark.slow
def test_a_mixed_folder(tmp_path: Path) -> None:
    root = _unpack("mixed", tmp_path)
    results = {Path(r.path).relative_to(root / "mixed").as_posix(): r for r in ingest_paths([root])}
    rejected = Counter(r.reason.value for r in results.values() if isinstance(r, Rejected))
    assert len(results) == 276
    assert rejected == {"unsupported": 14, "no_text": 12, "empty": 4, "encrypted": 3}
    for document in results.values():
        if isinstance(document, Document):
            assert normalise(document.text) == document.text.strip("\n")
            assert document.text.isprintable() or "\n" in document.text
    _assert_pdf_notes_hold(root / "mixed" / "MANIFEST.tsv", results)
    for name, share in (("test.pdf", 0.97), ("movie-theater-booking-2024.pdf", 0.95)):
        expected = (root / "mixed/markitdown/expected_outputs" / Path(name).with_suffix(".md")).read_text()
        document = results[f"markitdown/{name}"]
        assert isinstance(document, Document)
        wanted = _words(expected)
        assert (wanted & _words(document.text)).total() >= share * wanted.total()


def _assert_pdf_notes_hold(manifest: Path, results: dict[str, Document | Rejected]) -> None:
    """Another library's view of the same files: which are locked, and how many pages there are."""
    for line in manifest.read_text().splitlines()[1:]:
        path, *_, note = line.split("\t")
        pages = re.search(r"pages=(\d+)", note)
        result = results.get(path)
        if "needs-password" in note:
            assert isinstance(result, Rejected)
            assert result.reason == "encrypted"
        elif pages and isinstance(result, Document):
            assert len(result.pages) == int(pages[1])


@pytest.mark.slow
def test_restructured_text_of_the_real_world(tmp_path: Path) -> None:
    root = _unpack("peps", tmp_path)
    some = sorted(root.rglob("pep-0*[05].rst"))
    assert len(some) > 50
    for document in ingest_paths(some):
        assert isinstance(document, Document)
        assert document.language == "en"
        assert document.title not in ("", Path(document.path).stem)
        assert not re.search(r"Unknown (directive|interpreted)|System Message", document.text)

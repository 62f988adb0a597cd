"""BEIR folders: every accepted form, and every mistake named with its file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from index.datasets.beir import BeirDocument, read_beir
from index.errors import DataError

SHARED = Path(__file__).parents[4] / "shared" / "data" / "retrieval"

CORPUS = [
    {"_id": "d1", "title": "Ship", "text": "It sails."},
    {"_id": "d2", "title": "Only a title", "text": ""},
    {"_id": "d3", "text": "No title."},
]
QUERIES = [{"_id": "q1", "text": "what sails?"}, {"_id": "q2", "text": "never judged"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "ships"
    (root / "qrels").mkdir(parents=True)
    (root / "corpus.jsonl").write_text(lines(CORPUS), encoding="utf-8")
    (root / "queries.jsonl").write_text(lines(QUERIES), encoding="utf-8")
    (root / "qrels" / "test.tsv").write_text(QRELS, encoding="utf-8")
    return root


def test_a_plain_folder(folder: Path) -> None:
    found = read_beir(folder)
    assert (found.name, found.split) == ("ships", "test")
    assert found.documents == (
        BeirDocument(id="d1", title="Ship", text="It sails."),
        BeirDocument(id="d2", title="Only a title", text=""),
        BeirDocument(id="d3", title="", text="No title."),
    )
    assert [document.whole for document in found.documents] == ["Ship It sails.", "Only a title", "No title."]
    assert found.queries == {"q1": "what sails?"}
    assert found.judgements == {"q1": {"d1": 2, "d2": 0}}


def test_gzip_blank_lines_and_no_header(folder: Path) -> None:
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        path = folder / name
        text = path.read_text(encoding="utf-8").removeprefix("query-id\tcorpus-id\tscore\n")
        path.unlink()
        with gzip.open(f"{path}.gz", "wt", encoding="utf-8") as file:
            file.write(text.replace("\n", "\n\n"))
    assert read_beir(folder).judgements == {"q1": {"d1": 2, "d2": 0}}


@pytest.mark.parametrize("name", ["queries-train.jsonl", "queries-train.jsonl.gz"])
def test_a_split_with_questions_of_its_own(folder: Path, name: str) -> None:
    (folder / "qrels" / "train.tsv").write_text("t1\td3\t1\n", encoding="utf-8")
    text = lines([{"_id": "t1", "text": "a training question"}]).encode()
    (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert read_beir(folder, split="train").queries == {"t1": "a training question"}
    assert read_beir(folder).queries == {"q1": "what sails?"}


def test_judgements_of_unknown_documents_are_kept(folder: Path) -> None:
    (folder / "qrels" / "test.tsv").write_text("q1\td1\t1\nq1\tlost\t1\n", encoding="utf-8")
    found = read_beir(folder)
    assert found.judgements == {"q1": {"d1": 1, "lost": 1}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("corpus.jsonl", '{"_id": "d1"}\n{"_id": ', r"corpus\.jsonl, line 2: not JSON"),
        ("corpus.jsonl", '{"text": "x"}\n', r"corpus\.jsonl, line 1: no `_id`"),
        ("corpus.jsonl", '["x"]\n', r"corpus\.jsonl, line 1: no `_id`"),
        ("corpus.jsonl", '{"_id": "d1", "text": 3}\n', r"line 1: `text` is not a text"),
        ("corpus.jsonl", '{"_id": "d1"}\n{"_id": "d1"}\n', "two documents of one id"),
        ("queries.jsonl", '{"_id": "q9", "text": "x"}\n', "lacks 1 judged questions, among them 'q1'"),
        ("qrels/test.tsv", "q1\td1\tgood\n", r"test\.tsv, line 1: .* is not a judgement"),
        ("qrels/test.tsv", f"{QRELS}q1 d1 1\n", r"test\.tsv, line 4: .* is not a judgement"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\n", "no judgements"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_beir(folder)


def test_missing_and_unreadable_files_are_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no .*dev\.tsv"):
        read_beir(folder, split="dev")
    (folder / "corpus.jsonl").write_bytes(b'{"_id": "\xff"}\n')
    with pytest.raises(DataError, match=r"corpus\.jsonl cannot be read"):
        read_beir(folder)
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match=r"corpus\.jsonl\.gz cannot be read"):
        read_beir(folder)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")
def test_the_large_sets_have_the_published_sizes() -> None:
    sizes = {}
    for name in ("scifact", "cranfield", "cisi", "cacm", "adi", "stackfaq"):
        found = read_beir(SHARED / name)
        sizes[name] = (
            len(found.documents),
            len(found.queries),
            sum(len(grades) for grades in found.judgements.values()),
        )
    assert sizes == {
        "scifact": (5183, 300, 339),
        "cranfield": (1400, 225, 1612),
        "cisi": (1460, 76, 3114),
        "cacm": (3204, 52, 796),
        "adi": (82, 35, 170),
        "stackfaq": (109, 856, 856),
    }

"""Evaluating retrieval: both units over a small judged collection, and the published figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from index.datasets.beir import BeirSet
from index.errors import DataError
from index.evaluation.retrieval import compare_retrieval
from index.evaluation.retrieval_report import RetrievalReport
from index.models.encoder import load_encoder
from index.protocols import Encoder
from index.records import Mode

SHARED = Path(__file__).parents[4] / "shared" / "data" / "retrieval"
DOCUMENTS = {
    "d1": ("Tides", "The harbour master notes the tide at six in the morning."),
    "d2": ("Masking", "RoBERTa draws its masks anew for every pass over the data."),
    "d3": ("A title alone about lighthouses", ""),
    "d4": ("", "Recipes for galettes with buckwheat flour and salted butter."),
}


def evaluate_retrieval(
    collection: BeirSet | Path, *, mode: Mode | str = Mode.HYBRID, **options: Any
) -> RetrievalReport:
    """The report of one mode."""
    return compare_retrieval(collection, modes=[mode], **options).reports[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "qrels").mkdir()
    corpus = [{"_id": i, "title": title, "text": text} for i, (title, text) in DOCUMENTS.items()]
    queries = [{"_id": "q1", "text": "harbour tide morning"}, {"_id": "q2", "text": "lighthouses alone"}]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td3\t2\n")
    return tmp_path


@pytest.mark.parametrize("unit", ["passage", "document"])
@pytest.mark.parametrize("mode", list(Mode))
def test_every_unit_and_mode_finds_the_obvious(
    folder: Path, hashing_encoder: Encoder, unit: str, mode: Mode
) -> None:
    report = evaluate_retrieval(
        folder,
        encoder=hashing_encoder,
        mode=mode,
        unit=unit,
        run_out=folder / "run.trec",
    ).as_json()
    assert report["ndcg@10"] == report["mrr@10"] == report["map"] == 1.0
    assert (report["queries"], report["documents"], report["mode"]) == (2, 4, mode.value)
    embeds = hashing_encoder.encoded  # type: ignore[attr-defined]
    assert embeds == 0 if mode is Mode.LEXICAL else embeds > 0
    first = (folder / "run.trec").read_text().splitlines()[0].split()
    assert (first[0], first[2], first[3]) == ("q1", "d1", "1")


def test_missing_split_is_named(folder: Path, hashing_encoder: Encoder) -> None:
    with pytest.raises(DataError, match=r"dev\.tsv"):
        evaluate_retrieval(folder, encoder=hashing_encoder, split="dev")


def test_modes_are_compared_over_one_index(folder: Path, hashing_encoder: Encoder) -> None:
    found = compare_retrieval(
        folder,
        encoder=hashing_encoder,
        modes=["hybrid", "dense", "lexical", "hybrid"],
        run_out=folder / "run.trec",
        queries_out=folder / "single.jsonl",
    )
    alone = [evaluate_retrieval(folder, encoder=hashing_encoder, mode=mode) for mode in Mode]
    assert [report.mode for report in found.reports] == list(Mode)
    assert [report.scores for report in found.reports] == [report.scores for report in alone]
    assert [(pair.mode.value, pair.against.value) for pair in found.differences] == [
        ("hybrid", "dense"),
        ("hybrid", "lexical"),
        ("dense", "lexical"),
    ]
    figures = found.as_json()
    assert figures["mode"] == "hybrid"
    assert [item["mode"] for item in figures["modes"]] == list(Mode)  # type: ignore[attr-defined]
    assert figures["comparisons"][0] == {  # type: ignore[index]
        "mode": "hybrid",
        "against": "dense",
        "measure": "ndcg@10",
        "difference": 0.0,
        "interval": [0.0, 0.0],
        "p": 1.0,
        "better": 0,
        "equal": 2,
        "worse": 0,
    }
    assert {path.name for path in folder.glob("run*")} == {f"run.{mode}.trec" for mode in Mode}
    lines = [json.loads(line) for line in (folder / "single.jsonl").read_text().splitlines()]
    assert [(line["mode"], line["id"]) for line in lines] == [
        (mode, name) for mode in Mode for name in ("q1", "q2")
    ]
    assert "modes" not in evaluate_retrieval(folder, encoder=hashing_encoder).as_json()


@pytest.mark.parametrize("unit", ["passage", "document"])
def test_blank_questions_and_documents_are_zeros_and_no_trouble(
    folder: Path, hashing_encoder: Encoder, unit: str
) -> None:
    with (folder / "corpus.jsonl").open("a") as file:
        file.write('\n{"_id": "d5", "text": ""}\n{"_id": "d6", "title": " ", "text": "\\n"}')
    with (folder / "queries.jsonl").open("a") as file:
        file.write('\n{"_id": "q3", "text": "  "}\n{"_id": "q4", "text": ""}')
    with (folder / "qrels" / "test.tsv").open("a") as file:
        file.write("q3\td1\t1\nq4\td5\t1\n")
    found = compare_retrieval(
        folder,
        encoder=hashing_encoder,
        modes=list(Mode),
        unit=unit,  # type: ignore[arg-type]
        run_out=folder / "run.trec",
    )
    for report in found.reports:
        assert (report.scores.ndcg_at_10, report.scores.queries, report.documents) == (0.5, 4, 6)
        run = (folder / f"run.{report.mode}.trec").read_text()
        assert {line.split()[0] for line in run.splitlines()} == {"q1", "q2"}
        assert not {line.split()[2] for line in run.splitlines()} & {"d5", "d6"}


def test_what_cannot_be_written_is_said_first(folder: Path, hashing_encoder: Encoder) -> None:
    for name in ("run_out", "queries_out"):
        with pytest.raises(DataError, match="cannot be written"):
            evaluate_retrieval(folder, encoder=hashing_encoder, **{name: folder / "no" / "file"})  # type: ignore[arg-type]
    assert hashing_encoder.encoded == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "link"])
def test_the_collection_is_never_overwritten(folder: Path, hashing_encoder: Encoder, name: str) -> None:
    (folder / "link").symlink_to(folder / "corpus.jsonl")
    before = (folder / name).read_bytes()
    for option in ("run_out", "queries_out"):
        with pytest.raises(DataError, match="would be overwritten"):
            evaluate_retrieval(folder, encoder=hashing_encoder, **{option: folder / name})  # type: ignore[arg-type]
    assert (folder / name).read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "adi").is_dir(), reason="needs ../shared/data/retrieval/adi")
@pytest.mark.parametrize(("mode", "least"), [("lexical", 0.45), ("dense", 0.40), ("hybrid", 0.45)])
def test_small_public_set(mode: str, least: float) -> None:
    report = evaluate_retrieval(SHARED / "adi", encoder=load_encoder(), mode=mode, unit="document")
    assert report.scores.ndcg_at_10 >= least


@pytest.mark.full
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/retrieval")
@pytest.mark.parametrize(
    ("name", "published"), [("scifact", 0.645), ("cranfield", 0.400), ("cisi", 0.419), ("cacm", 0.411)]
)
def test_dense_reproduces_the_published_figures(name: str, published: float) -> None:
    report = evaluate_retrieval(SHARED / name, encoder=load_encoder(), mode="dense", unit="document")
    assert report.scores.ndcg_at_10 == pytest.approx(published, abs=0.005)

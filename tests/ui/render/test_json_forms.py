"""The JSON forms key by key, what a terminal shows, and both end to end with the bundled models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import DocumentInfo, Hit, IngestReport, SearchResult, StoredPassage
from ingest.records import Rejected, RejectReason
from qa.records import Answer, AskResult, Cell, Reason, Source
from qa.squad.dataset import Example, GoldAnswer
from ui.cli import main
from ui.commands import serve
from ui.render import json_forms
from ui.render import terminal as text
from ui.services.demo import DemoReport, DemoResult

ANSWER_KEYS = {
    *("text", "confidence", "span_score", "retrieval_score", "document", "page", "headings"),
    *("start", "end", "sentence", "passage", "also_in", "cell", "verdict"),
}
ASK_KEYS = {
    *("question", "status", "answered", "confidence", "calibrated", "reason", "answers", "candidates"),
    *("closest", "passages", "revision", "timings_ms"),
}
HIT_KEYS = {"rank", "score", "dense_score", "lexical_score", "passage", "document", "page", "headings"}
STATS_KEYS = {"documents", "passages", "revision", "encoder", "reader", "languages", "bytes", "index"}
READER_KEYS = {"exact", "f1", "total", "HasAns_exact", "NoAns_exact", "best_f1", "best_f1_thresh", "seconds"}
ANSWERS_KEYS = {
    *("exact", "f1", "exact_forced", "f1_forced", "answered", "coverage", "accuracy_answered"),
    *("recall@k", "ece", "questions", "p50_ms", "p95_ms"),
}
RETRIEVAL_KEYS = {
    *("ndcg@10", "recall@10", "recall@100", "mrr@10", "map", "queries", "documents", "mode", "seconds"),
}
PASSAGE = "The ferry leaves at noon."


def hit() -> Hit:
    return Hit(
        rank=1,
        score=0.5,
        dense_score=None,
        lexical_score=2.5,
        passage=StoredPassage(
            id=7, document_id="d1", text=PASSAGE, start=10, end=35, page=2, headings=("Ferry",)
        ),
        document=DocumentInfo(
            id="d1",
            path="/town/ferry.txt",
            title="Ferry",
            language="en",
            type="txt",
            characters=35,
            passages=1,
            modified=datetime(2024, 5, 31, tzinfo=UTC),
            paths=("/town/ferry.txt",),
            sha256="0a1b",
        ),
    )


def result(*, answered: bool = True) -> AskResult:
    found = hit()
    answer = Answer(
        text="noon",
        confidence=0.75,
        span_score=3.5,
        retrieval_score=0.5,
        document=found.document,
        page=2,
        headings=("Ferry",),
        start=30,
        end=34,
        sentence=PASSAGE,
        passage=found.passage,
        also_in=(Source(path="/town/copy.txt", start=1, end=5),),
        cell=Cell(row="Ferry", column="Leaves"),
        verdict="yes",
    )
    return AskResult(
        question="When?",
        answered=answered,
        confidence=0.75,
        reason=None if answered else Reason.BELOW_THRESHOLD,
        answers=(answer,) if answered else (),
        passages=(found,),
        read=1,
        revision=4,
        timings_ms={"encode": 1.0, "search": 2.0, "read": 3.0, "total": 6.0},
    )


def demo_result(given: str | None, *golds: str) -> DemoResult:
    asked = result(answered=given is not None)
    answers = tuple(replace(answer, text=given or "") for answer in asked.answers)
    golden = tuple(GoldAnswer(text=gold, start=0) for gold in golds)
    return DemoResult(
        example=Example(id="q", question="When?", context="", title="", answers=golden),
        result=replace(asked, answers=answers),
    )


def test_the_form_of_an_answer() -> None:
    assert json_forms.ask_json(result()) == {
        "question": "When?",
        "status": "answer",
        "answered": True,
        "confidence": 0.75,
        "calibrated": False,
        "reason": None,
        "answers": [
            {
                "text": "noon",
                "confidence": 0.75,
                "span_score": 3.5,
                "retrieval_score": 0.5,
                "document": {
                    "id": "d1",
                    "path": "/town/ferry.txt",
                    "title": "Ferry",
                    "language": "en",
                    "type": "txt",
                    "sha256": "0a1b",
                },
                "page": 2,
                "headings": ["Ferry"],
                "start": 30,
                "end": 34,
                "sentence": PASSAGE,
                "passage": {"id": 7, "text": PASSAGE, "start": 10, "end": 35},
                "also_in": [{"path": "/town/copy.txt", "start": 1, "end": 5}],
                "cell": {"row": "Ferry", "column": "Leaves"},
                "verdict": "yes",
            }
        ],
        "candidates": [],
        "closest": None,
        "passages": [json_forms.search_json(SearchResult(query="", hits=(hit(),), timings_ms={}))["hits"][0]],
        "read": 1,
        "revision": 4,
        "timings_ms": {"encode": 1.0, "search": 2.0, "read": 3.0, "total": 6.0},
    }
    refused = json_forms.ask_json(result(answered=False))
    assert (refused["reason"], refused["status"]) == ("below_threshold", "none")


def test_likely_answers_and_the_closest_sentence_have_the_form_of_an_answer() -> None:
    given, refused = result(), result(answered=False)
    likely = json_forms.ask_json(replace(refused, candidates=given.answers))
    assert (likely["status"], likely["answers"], likely["closest"]) == ("probable", [], None)
    assert likely["candidates"] == json_forms.ask_json(given)["answers"]
    sentence = replace(given.answers[0], text=PASSAGE, span_score=None)
    closest = json_forms.ask_json(replace(refused, closest=sentence))
    assert (closest["status"], closest["candidates"]) == ("closest", [])
    assert closest["closest"].keys() == ANSWER_KEYS
    assert (closest["closest"]["text"], closest["closest"]["span_score"]) == (PASSAGE, None)


def test_the_form_of_a_hit() -> None:
    found = json_forms.search_json(SearchResult(query="When?", hits=(hit(),), timings_ms={"total": 1.0}))
    assert found["query"] == "When?"
    [first] = found["hits"]
    assert set(first) == HIT_KEYS
    assert (first["rank"], first["dense_score"], first["lexical_score"]) == (1, None, 2.5)
    assert (first["page"], first["headings"]) == (2, ["Ferry"])


def test_the_form_of_an_ingest() -> None:
    unfit = Rejected(path="/a", reason=RejectReason.NO_TEXT, detail="scanned")
    report = IngestReport(
        added=1,
        updated=2,
        unchanged=3,
        removed=4,
        passages=5,
        rejected=(unfit,) * 60,
        skipped={"hidden": 2, "ignored": 1},
        models="polyglot",
        seconds=1.5,
    )
    assert json_forms.record_json(report) == {
        "added": 1,
        "updated": 2,
        "unchanged": 3,
        "removed": 4,
        "passages": 5,
        "rejected": [{"path": "/a", "reason": "no_text", "detail": "scanned"}] * 60,
        "warnings": [],
        "skipped": {"hidden": 2, "ignored": 1},
        "models": "polyglot",
        "seconds": 1.5,
    }
    shown = text.ingest_text(report)
    assert "1 added, 2 updated, 4 removed, 3 unchanged, 60 left out" in shown
    assert "models: polyglot, by the languages of the documents" in shown
    assert "passed over: hidden 2, ignored 1" in shown
    assert shown.count("left out (no_text): /a: scanned") == 50
    assert "... and 10 more; see: spanwise stats --files" in shown
    assert "1 would be added" in text.ingest_text(report, dry_run=True)


def test_an_answer_in_the_terminal_has_its_mark_confidence_and_source() -> None:
    shown = text.ask_text(result())
    assert shown.splitlines() == [
        "Yes: noon",
        "  likely right (0.75)",
        "  “The ferry leaves at **noon**.”",
        "  Row Ferry, column Leaves",
        "  Ferry · page 2",
        "  /town/ferry.txt",
        "  also in /town/copy.txt",
    ]
    assert "leaves at \x1b[1mnoon\x1b[0m." in text.ask_text(result(), text.Style(colour=True))


def test_a_refusal_in_the_terminal_says_why_and_shows_what_is_near() -> None:
    lines = text.ask_text(result(answered=False)).splitlines()
    assert lines[0] == "No answer in here"
    assert "best guess" in lines[1]
    assert "Nearest passages" in lines
    assert lines[-1].strip() == "/town/ferry.txt"


def test_likely_answers_and_the_closest_sentence_in_the_terminal() -> None:
    given, refused = result(), result(answered=False)
    rival = replace(given.answers[0], text="ferry", confidence=0.1)
    lines = text.ask_text(replace(refused, candidates=(given.answers[0], rival))).splitlines()
    assert lines[:3] == ["Probably, but not for sure", "Yes: noon", "  likely right (0.75)"]
    assert lines[-3:-1] == ["Or perhaps", "  2. ferry (doubtful, 0.10)"]
    sentence = replace(given.answers[0], text=PASSAGE, span_score=None, confidence=0.4)
    assert text.ask_text(replace(refused, closest=sentence)).splitlines() == [
        "Not sure: the closest sentence",
        f"“{PASSAGE}”",
        "  Holds the answer with a probability of about 40 %",
        "  Ferry · page 2",
        "  /town/ferry.txt",
    ]


@given(st.text())
def test_no_document_steers_the_terminal(words: str) -> None:
    shown = text.printable(f"{words}\x1b[2J\x07\r\n\x9b")
    assert all(char == " " or char.isprintable() or ord(char) > 0x9F for char in shown)


@pytest.mark.parametrize(
    ("given", "golds", "right", "exact", "overlapping"),
    [
        ("the noon", ("noon",), True, True, True),
        ("at noon sharp on every single day", ("noon",), True, False, False),
        ("noon", ("noon sharp",), False, False, True),
        ("afternoon", ("noon",), False, False, False),
        (None, ("noon",), False, False, False),
        (None, (), True, False, False),
        ("noon", (), False, False, False),
    ],
)
def test_what_counts_as_right_in_the_demo(
    given: str | None, golds: tuple[str, ...], right: bool, exact: bool, overlapping: bool
) -> None:
    item = demo_result(given, *golds)
    assert (item.right, item.exact, item.overlapping) == (right, exact, overlapping)


def test_the_demo_counts_answers_and_refusals_apart() -> None:
    items = (
        demo_result("noon", "noon"),
        demo_result(None, "noon"),
        demo_result(None),
        demo_result("noon"),
        demo_result(None),
    )
    report = DemoReport(results=items, documents=3, seconds=10.0, build_seconds=2.0)
    figures = serve.demo_json(report, "/demo store")
    counts = ("questions", "answerable", "right", "exact", "overlapping", "unanswerable", "refused")
    assert [figures[name] for name in counts] == [5, 2, 1, 1, 1, 3, 2]
    shown = serve.demo_summary(report, "/demo store")
    assert "1 of 2 answers right" in shown
    assert "2 of 3 questions without an answer" in shown
    assert shown.endswith("spanwise ui --store '/demo store'")
    assert serve.demo_line(items[1]).splitlines()[1].strip() == "no answer in here (expected: noon)"
    assert "(expected: no answer)" in serve.demo_line(items[3])


# -- end to end ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of documents, one of them unfit."""
    folder = tmp_path_factory.mktemp("town")
    (folder / "ferry.md").write_text(
        "# The ferry\n\n## Times\n\nThe ferry to Gull Island leaves every day at noon and returns at five.\n"
    )
    (folder / "council.txt").write_text(
        "The town council was founded in 1871. Its first mayor was Agnes Thorne, a schoolteacher."
    )
    (folder / "empty.txt").write_text("")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "store"


def call(capsys: pytest.CaptureFixture[str], store: Path, *arguments: str) -> Mapping[str, Any]:
    """Runs a command with --json and gives its object; everything printed is that object."""
    assert main([*arguments, "--json", "--store", str(store)]) == 0
    found: Mapping[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_from_a_folder_to_a_cited_answer(
    town: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = call(capsys, store, "ingest", str(town))
    assert (first["added"], first["unchanged"]) == (2, 0)
    assert [Path(item["path"]).name for item in first["rejected"]] == ["empty.txt"]
    again = call(capsys, store, "ingest", str(town))
    assert (again["added"], again["unchanged"], again["passages"]) == (0, 2, 0)

    stats = call(capsys, store, "stats")
    assert {"documents", "passages", "revision", "encoder", "reader", "languages", "bytes", "index"} <= set(
        stats
    )
    assert (stats["documents"], stats["encoder"], stats["reader"]) == (2, "pocket", "pocket")

    found = call(capsys, store, "search", "who", "was", "mayor?", "-k", "1")
    assert [set(item) for item in found["hits"]] == [HIT_KEYS]
    assert found["hits"][0]["document"]["path"] == (town / "council.txt").as_posix()

    asked = call(capsys, store, "ask", "Who was the first mayor?")
    assert set(asked) >= ASK_KEYS
    assert asked["answered"]
    answer = asked["answers"][0]
    assert set(answer) == ANSWER_KEYS
    assert answer["text"] == "Agnes Thorne"
    passage = answer["passage"]
    inside = slice(answer["start"] - passage["start"], answer["end"] - passage["start"])
    assert passage["text"][inside] == "Agnes Thorne"

    filtered = call(capsys, store, "ask", "Who was the first mayor?", "--path", "ferry.md")
    assert {item["document"]["path"] for item in filtered["passages"]} == {(town / "ferry.md").as_posix()}
    nothing = call(capsys, store, "ask", "Who was the first mayor?", "--language", "fr")
    assert (nothing["answered"], nothing["reason"], nothing["answers"]) == (False, "no_passages", [])
    blank = call(capsys, store, "ask", "  ")
    assert (blank["answered"], blank["reason"]) == (False, "empty_question")

    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"id": "m", "question": "Who was the first mayor?"}\n{"question": ""}\n')
    assert main(["ask", "--batch", str(questions), "--store", str(store)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["id"], line["answered"]) for line in lines] == [("m", True), ("2", False)]

    assert main(["ask", "Who was the first mayor?", "--store", str(store)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Agnes Thorne\n")
    assert "**Agnes Thorne**" in out
    assert err == ""
    hardly_possible = [item for item in asked["answers"][1:] if item["confidence"] < 0.05]
    assert hardly_possible, "JSON has them all"
    assert "Other answers" not in out
    assert main(["ask", "Who was the first mayor?", "--answers", "3", "--store", str(store)]) == 0
    assert capsys.readouterr().out.count("(doubtful, 0.0") == len(hardly_possible)

    assert call(capsys, store, "check") == {"ok": True, "problems": []}
    assert call(capsys, store, "repair") == {"ok": True, "problems": []}
    assert call(capsys, store, "delete", str(town / "ferry.md")) == {"removed": 1}
    assert call(capsys, store, "stats")["documents"] == 1
    compacted = call(capsys, store, "compact", "--index", "IVF64,SQ8")["index"]
    assert (compacted["setting"], compacted["measured_recall"]) == ("IVF64,SQ8", 1.0)
    assert "serves segments from 2,496 vectors on" in compacted["advice"]
    assert main(["compact", "--index", "IVF", "--store", str(store), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "'IVF'" in error["message"]
    assert "IVF1024,PQ96x4fs" in error["hint"]
    assert call(capsys, store, "stats")["index"] == compacted
    assert main(["delete", "nowhere", "--store", str(store), "--json"]) == 2
    assert "nowhere" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_evaluations_print_their_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = "The town council was founded in 1871. Its first mayor was Agnes Thorne."
    questions = [
        {
            "id": "a",
            "question": "Who was the first mayor?",
            "is_impossible": False,
            "answers": [{"text": "Agnes Thorne", "answer_start": context.index("Agnes")}],
        },
        {"id": "b", "question": "How long is the Nile?", "is_impossible": True, "answers": []},
    ]
    squad = {"data": [{"title": "Town", "paragraphs": [{"context": context, "qas": questions}]}]}
    file, predictions = tmp_path / "squad.json", tmp_path / "predictions.json"
    file.write_text(json.dumps(squad))

    assert main(["eval", "reader", str(file), "--predictions", str(predictions), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= READER_KEYS
    assert (figures["total"], figures["HasAns_exact"]) == (2, 100.0)
    assert json.loads(predictions.read_text())["a"] == "Agnes Thorne"

    assert main(["eval", "answers", str(file), "--limit", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {"exact", "f1", "exact_forced", "answered", "coverage", "recall@k", "ece", "p50_ms"} <= set(
        figures
    )
    assert figures["questions"] == 1

    assert main(["eval", "reader", str(tmp_path / "none.json"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "DataError"


def test_retrieval_is_measured_on_a_folder_in_beir_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "qrels").mkdir()
    documents = {"d1": "The ferry leaves at noon.", "d2": "The mayor was a schoolteacher."}
    lines = [json.dumps({"_id": key, "title": "", "text": words}) for key, words in documents.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "queries.jsonl").write_text(
        json.dumps({"_id": "q", "text": "when does the ferry leave"}) + "\n"
    )
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n")
    run = tmp_path / "run.trec"
    assert main(["eval", "retrieval", str(tmp_path), "--mode", "dense", "--run", str(run), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {"ndcg@10", "recall@10", "recall@100", "mrr@10", "map", "queries", "documents", "mode"} <= set(
        figures
    )
    assert (figures["ndcg@10"], figures["mode"], figures["documents"]) == (1.0, "dense", 2)
    assert run.read_text().split()[:3] == ["q", "Q0", "d1"]


def test_retrieval_is_measured_on_the_contexts_of_a_squad_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = {"id": "q", "question": "when does the ferry leave", "answers": [{"text": "noon"}]}
    question["answers"][0]["answer_start"] = 20  # type: ignore[index]
    paragraphs = [
        {"context": "The ferry leaves at noon.", "qas": [question]},
        {"context": "The mayor was a schoolteacher.", "qas": []},
    ]
    file = tmp_path / "file.json"
    file.write_text(json.dumps({"version": "1.1", "data": [{"title": "Town", "paragraphs": paragraphs}]}))
    assert main(["eval", "retrieval", str(file), "--mode", "lexical", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["recall@10"], figures["queries"]) == (1.0, 1)

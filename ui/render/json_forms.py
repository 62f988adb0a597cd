"""Records as the JSON forms that other programs rely on.

Pure: a record in, a plain dict out; keys are only ever added. What a person reads in the terminal is in
`terminal`, what the page shows is in `ui.page.fragments`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from ingest.errors import SpanwiseError

if TYPE_CHECKING:  # every command line pays for what is imported here
    from _typeshed import DataclassInstance

    from index.records import CheckReport, DocumentInfo, Hit, SearchResult, StoredPassage
    from qa.explanation.records import Why
    from qa.records import Answer, AskResult

Json = dict[str, Any]


def dumps(value: Json) -> str:
    """One line of JSON; scripts of all languages stay readable."""
    return json.dumps(value, ensure_ascii=False)


def record_json(record: DataclassInstance) -> Json:
    """The fields of a record as JSON has them: plain numbers, texts and lists; seconds to the millisecond."""
    # Engines hand over numpy scalars, which json does not know.
    fields: Json = json.loads(json.dumps(asdict(record), default=methodcaller("item")))
    return fields if "seconds" not in fields else {**fields, "seconds": round(fields["seconds"], 3)}


def ask_json(result: AskResult, whys: Sequence[Why] = ()) -> Json:
    """One decision about one question; `whys`, if any, belong to its answers one by one."""
    answers = [_answer(answer) for answer in result.answers]
    if whys:
        answers = [{**item, "why": why_json(why)} for item, why in zip(answers, whys, strict=True)]
    return {
        "question": result.question,
        "status": result.status.value,
        "answered": result.answered,
        "confidence": float(result.confidence),
        "calibrated": result.calibrated,
        "reason": None if result.reason is None else result.reason.value,
        "answers": answers,
        "candidates": [_answer(answer) for answer in result.candidates],
        "closest": None if result.closest is None else _answer(result.closest),
        "passages": [_hit(hit) for hit in result.passages],
        "read": result.read,
        "revision": result.revision,
        "timings_ms": _timings(result.timings_ms),
    }


def why_json(why: Why) -> Json:
    """The evidence for an answer; words of the passage stand at characters of `passage.text`."""
    whole = record_json(why)
    return {
        "span_score": whole["span_score"],
        "agreement": whole["agreement"],
        "retrieval": whole["evidence"],
        "attribution": whole["attribution"],
        "competitors": whole["competitors"],
    }


def search_json(result: SearchResult, labels: Mapping[int, Sequence[str]] | None = None) -> Json:
    """The hits of one query; `labels` are those of their passages by id, left out where there are none."""
    return {
        "query": result.query,
        "hits": [
            _hit(hit)
            | ({"labels": list(labels[hit.passage.id])} if labels and labels.get(hit.passage.id) else {})
            for hit in result.hits
        ],
        "unsupported_language": result.unsupported_language,
        "timings_ms": _timings(result.timings_ms),
    }


def check_json(report: CheckReport) -> Json:
    """Whether a store agrees with itself; after a repair also what was done and what is lost."""
    form = record_json(report)
    if report.done or report.lost:
        return form
    return {"ok": form["ok"], "problems": form["problems"]}


def error_json(error: BaseException) -> Json:
    """A failure, for programs."""
    hint = error.hint if isinstance(error, SpanwiseError) else ""
    return {"error": {"type": type(error).__name__, "message": str(error), "hint": hint}}


def _answer(answer: Answer) -> Json:
    return {
        "text": answer.text,
        "confidence": float(answer.confidence),
        "span_score": None if answer.span_score is None else float(answer.span_score),
        "retrieval_score": float(answer.retrieval_score),
        "document": _document(answer.document),
        "page": answer.page,
        "headings": list(answer.headings),
        "start": answer.start,
        "end": answer.end,
        "sentence": answer.sentence,
        "passage": _passage(answer.passage),
        "also_in": [asdict(source) for source in answer.also_in],
        "cell": None if answer.cell is None else asdict(answer.cell),
        "verdict": answer.verdict,
    }


def _hit(hit: Hit) -> Json:
    return {
        "rank": hit.rank,
        "score": float(hit.score),
        "dense_score": None if hit.dense_score is None else float(hit.dense_score),
        "lexical_score": None if hit.lexical_score is None else float(hit.lexical_score),
        "passage": _passage(hit.passage),
        "document": _document(hit.document),
        "page": hit.passage.page,
        "headings": list(hit.passage.headings),
    }


def _document(document: DocumentInfo) -> Json:
    return {
        "id": document.id,
        "path": document.path,
        "title": document.title,
        "language": document.language,
        "type": document.type,
        "sha256": document.sha256,
    }


def _passage(passage: StoredPassage) -> Json:
    return {"id": passage.id, "text": passage.text, "start": passage.start, "end": passage.end}


def _timings(timings: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(float(value), 3) for stage, value in timings.items()}

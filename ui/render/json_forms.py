"""Records as the JSON forms that other programs rely on.

Pure: a record in, a plain dict out; keys are only ever added. What a person reads in the terminal is in
`terminal`, what the page shows is in `ui.page.fragments`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from index.records import (
    BackupReport,
    CheckReport,
    DocumentInfo,
    ExportReport,
    Hit,
    ImportReport,
    IndexInfo,
    IngestReport,
    ReembedReport,
    SearchResult,
    Stats,
    StoredPassage,
)
from ingest.errors import SpanwiseError
from qa.explanation.records import TokenWeight, Why
from qa.records import Answer, AskResult

Json = dict[str, Any]


def dumps(value: Json) -> str:
    """One line of JSON; scripts of all languages stay readable."""
    return json.dumps(value, ensure_ascii=False)


def ask_json(result: AskResult, whys: Sequence[Why] = ()) -> Json:
    """One decision about one question; `whys`, if any, belong to its answers one by one."""
    answers = [_answer(answer) for answer in result.answers]
    if whys:
        answers = [{**item, "why": why_json(why)} for item, why in zip(answers, whys, strict=True)]
    return {
        "question": result.question,
        "answered": result.answered,
        "confidence": _number(result.confidence),
        "calibrated": result.calibrated,
        "reason": None if result.reason is None else result.reason.value,
        "answers": answers,
        "passages": [_hit(hit) for hit in result.passages],
        "read": result.read,
        "timings_ms": _timings(result.timings_ms),
    }


def why_json(why: Why) -> Json:
    """What spoke for an answer; words of the passage stand at characters of `passage.text`."""
    found, evidence = why.attribution, why.evidence
    return {
        "span_score": _number(why.span_score),
        "agreement": why.agreement,
        "retrieval": {
            "rank": evidence.rank,
            "score": _number(evidence.score),
            "dense_score": None if evidence.dense_score is None else _number(evidence.dense_score),
            "lexical_score": None if evidence.lexical_score is None else _number(evidence.lexical_score),
            "coverage": _number(evidence.coverage),
        },
        "attribution": {
            "method": found.method.value,
            "target_log_odds": _number(found.target_log_odds),
            "baseline_log_odds": _number(found.baseline_log_odds),
            "null_score": _number(found.null_score),
            "other": _number(found.other),
            "question": [_weight(word) for word in found.question],
            "passage": [_weight(word) for word in found.passage],
        },
        "competitors": [
            {
                "text": rival.text,
                "confidence": _number(rival.confidence),
                "span_score": _number(rival.span_score),
                "title": rival.title,
                "path": rival.path,
                "page": rival.page,
            }
            for rival in why.competitors
        ],
    }


def search_json(result: SearchResult, labels: Mapping[int, Sequence[str]] | None = None) -> Json:
    """The hits of one query; `labels` are those of their passages, by id, told where there are some."""
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


def ingest_json(report: IngestReport) -> Json:
    """What one ingest did."""
    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "passages": report.passages,
        "rejected": [
            {"path": item.path, "reason": item.reason.value, "detail": item.detail}
            for item in report.rejected
        ],
        "warnings": list(report.warnings),
        "skipped": dict(report.skipped),
        "seconds": round(report.seconds, 3),
    }


def stats_json(stats: Stats) -> Json:
    """What a store holds."""
    return {
        "documents": stats.documents,
        "paths": stats.paths,
        "passages": stats.passages,
        "characters": stats.characters,
        "revision": stats.revision,
        "encoder": stats.encoder,
        "reader": stats.reader,
        "languages": dict(stats.languages),
        "types": dict(stats.types),
        "bytes": stats.bytes,
        "rejected": dict(stats.rejected),
        "labels": stats.labels,
        "feedback": stats.feedback,
        "index": index_json(stats.index),
    }


def report_json(report: ExportReport | ImportReport | BackupReport | ReembedReport) -> Json:
    """The fields of a report, its seconds to the millisecond."""
    return {**asdict(report), "seconds": round(report.seconds, 3)}


def index_json(info: IndexInfo) -> Json:
    """The vector index of a store."""
    return {
        "kind": info.kind,
        "vectors": info.vectors,
        "measured_recall": info.measured_recall,
        "setting": info.setting,
        "advice": info.advice,
    }


def check_json(report: CheckReport) -> Json:
    """Whether a store agrees with itself; after a repair also what was done and what is lost."""
    said: Json = {"ok": report.ok, "problems": list(report.problems)}
    if report.done or report.lost:
        said |= {"done": list(report.done), "lost": list(report.lost)}
    return said


def error_json(error: BaseException) -> Json:
    """A failure, for programs."""
    hint = error.hint if isinstance(error, SpanwiseError) else ""
    return {"error": {"type": type(error).__name__, "message": str(error), "hint": hint}}


def _answer(answer: Answer) -> Json:
    return {
        "text": answer.text,
        "confidence": _number(answer.confidence),
        "span_score": _number(answer.span_score),
        "retrieval_score": _number(answer.retrieval_score),
        "document": _document(answer.document),
        "page": answer.page,
        "headings": list(answer.headings),
        "start": answer.start,
        "end": answer.end,
        "sentence": answer.sentence,
        "passage": _passage(answer.passage),
        "also_in": [
            {"path": source.path, "start": source.start, "end": source.end} for source in answer.also_in
        ],
    }


def _hit(hit: Hit) -> Json:
    return {
        "rank": hit.rank,
        "score": _number(hit.score),
        "dense_score": None if hit.dense_score is None else _number(hit.dense_score),
        "lexical_score": None if hit.lexical_score is None else _number(hit.lexical_score),
        "passage": _passage(hit.passage),
        "document": _document(hit.document),
        "page": hit.passage.page,
        "headings": list(hit.passage.headings),
    }


def _weight(word: TokenWeight) -> Json:
    return {"text": word.text, "start": word.start, "end": word.end, "weight": _number(word.weight)}


def _document(document: DocumentInfo) -> Json:
    return {
        "id": document.id,
        "path": document.path,
        "title": document.title,
        "language": document.language,
        "type": document.type,
    }


def _passage(passage: StoredPassage) -> Json:
    return {"id": passage.id, "text": passage.text, "start": passage.start, "end": passage.end}


def _number(value: float) -> float:
    # Engines hand over numpy scalars, which json does not know.
    return float(value)


def _timings(timings: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(float(value), 3) for stage, value in timings.items()}

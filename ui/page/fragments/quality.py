"""An evaluation as HTML: its figures, what was lost where, one failed question (pure, no streamlit)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ui.page.fragments.base import escape
from ui.page.fragments.jobs import bars, charts
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.jobs import JobStanding

STAGES = ("not_retrieved", "not_read", "out_scored", "wrongly_refused", "wrongly_answered")
_ANSWERS = (
    ("exact", "points"),
    ("f1", "points"),
    ("exact_forced", "points"),
    ("f1_forced", "points"),
    ("coverage", "share"),
    ("accuracy_answered", "share"),
    ("recall@k", "share"),
    ("ece", "number"),
    ("p50_ms", "time"),
    ("p95_ms", "time"),
)
_READER = (
    ("exact", "points"),
    ("f1", "points"),
    ("best_f1", "points"),
    ("HasAns_f1", "points"),
    ("NoAns_f1", "points"),
    ("p50_ms", "time"),
)


def intro(say: Say) -> str:
    """A sentence on what is measured."""
    return f'<p class="sw-reason">{say("quality.intro")}</p>'


def job_name(standing: JobStanding) -> str:
    """An evaluation in a list of several."""
    return f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(standing.job.created))} · {standing.job.title}"


def figures(output: Mapping[str, Any], say: Say) -> str:
    """The figures of an evaluation, those with an interval with it."""
    intervals = output.get("intervals") or {}
    known = _ANSWERS if "exact_forced" in output else _READER
    items = []
    for name, kind in known:
        value = output.get(name)
        if not isinstance(value, int | float):
            continue
        shown = _figure(float(value), kind)
        if isinstance(interval := intervals.get(name), Sequence) and len(interval) == 2:
            low, high = (_figure(float(edge), kind) for edge in interval)
            shown += f' <span class="sw-note">{low} – {high}</span>'
        items.append(f"<div><dt>{say(f'quality.figure_{_key(name)}')}</dt><dd>{shown}</dd></div>")
    return f'<dl class="sw-facts">{"".join(items)}</dl><p class="sw-note">{say("quality.interval")}</p>'


def judged(output: Mapping[str, Any], say: Say) -> str:
    """That the store's own fitted confidence decided, and what it was fitted on; "" where it did not."""
    fit = output.get("store_fit")
    if not isinstance(fit, Mapping):
        return ""
    questions = say.count("question", int(fit.get("questions", 0)))
    line = say("quality.store_fit", questions=questions, source=str(fit.get("source", "")))
    return f'<p class="sw-note">{escape(line)}</p>'


def stages(output: Mapping[str, Any], say: Say) -> str:
    """How many questions were lost at which stage."""
    failures = output.get("failures")
    if not isinstance(failures, Mapping):
        return ""
    rows = [(say(f"quality.stage_{stage}"), int(failures.get(stage, 0))) for stage in STAGES]
    questions = int(output.get("questions", 0))
    title = say("quality.lost", wrong=f"{sum(number for _, number in rows):,}", asked=f"{questions:,}")
    return charts([bars(title, rows)])


def read_failures(path: Path) -> list[dict[str, Any]]:
    """The failed questions of an evaluation, as far as they are written."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    failures = []
    for line in lines:
        try:
            item = json.loads(line)
        except ValueError:
            continue
        if isinstance(item, dict):
            failures.append(item)
    return failures


def failure_rows(failures: Iterable[Mapping[str, Any]], say: Say) -> list[dict[str, Any]]:
    """A row for each failed question."""
    return [
        {
            say("quality.column_question"): str(item.get("question", "")),
            say("quality.column_expected"): expected(item, say),
            say("quality.column_got"): got(item, say),
            say("quality.column_stage"): say(f"quality.stage_{item['stage']}"),
            say("quality.column_confidence"): round(100 * float(item.get("confidence", 0.0))),
        }
        for item in failures
        if item.get("stage") in STAGES
    ]


def expected(item: Mapping[str, Any], say: Say) -> str:
    """What would have been right."""
    golds = dict.fromkeys(str(gold) for gold in item.get("golds", ()))
    return " / ".join(golds) or say("quality.no_answer")


def got(item: Mapping[str, Any], say: Say) -> str:
    """What was given."""
    return str(item.get("predicted", "")) if item.get("answered") else say("quality.no_answer")


def failure_card(item: Mapping[str, Any], say: Say) -> str:
    """One failed question with all that is known of it."""
    facts = [
        (say("quality.column_expected"), expected(item, say)),
        (say("quality.column_got"), got(item, say)),
        (say("quality.best_span"), str(item.get("predicted", "")) or "–"),
        (say("quality.confidence"), phrasing.percent(float(item.get("confidence", 0.0)))),
        (say("quality.f1"), f"{float(item.get('f1', 0.0)):.2f}"),
        (say("quality.gold_rank"), str(item.get("gold_rank") or say("quality.not_found"))),
        (say("quality.article"), str(item.get("title", "")) or "–"),
    ]
    table = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td dir="auto">{escape(value)}</td></tr>'
        for name, value in facts
    )
    sentence = str(item.get("sentence") or "")
    quoted = f'<blockquote class="sw-sentence" dir="auto">{escape(sentence)}</blockquote>' if sentence else ""
    question = str(item.get("question", ""))
    stage = say(f"quality.why_{item['stage']}") if item.get("stage") in STAGES else ""
    return (
        f'<article class="sw-card"><p class="sw-answer" dir="auto">{escape(question)}</p>'
        f'<p class="sw-reason">{stage}</p>{quoted}<table class="sw-scores">{table}</table>'
        "</article>"
    )


def _figure(value: float, kind: str) -> str:
    match kind:
        case "points":
            return f"{value:.1f}"
        case "share":
            return f"{value:.1%}"
        case "time":
            return f"{value:,.0f} ms"
        case _:
            return f"{value:.3f}"


def _key(name: str) -> str:
    return name.replace("@", "_at_").lower()

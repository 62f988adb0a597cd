"""What the page shows, as HTML (pure, no streamlit).

Every function takes records and returns a fragment for `st.html`. Text from documents, questions and file
names gets into a fragment only through `_escape`; no other module of the page builds HTML, except `views_why`
for the reasons of an answer. The classes are styled in `look`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from index.records import Hit, IngestReport, SearchResult, Stats
from qa.records import Answer, AskResult
from ui import words
from ui.messages import Say

_REASON_WORDS = {
    "unsupported": "this kind of file cannot be read",
    "empty": "the file is empty",
    "no_text": "there is no text in it (scanned pages?)",
    "encrypted": "it is protected by a password",
    "corrupt": "the file is damaged",
    "too_large": "the file is too large",
    "timeout": "reading it took too long",
    "unreadable": "it cannot be opened",
}


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def door() -> str:
    """What stands above the question for the password."""
    return (
        '<section class="sw-welcome"><p class="sw-lead">Spanwise</p>'
        "<p>This collection is open to those who know its password.</p></section>"
    )


def answer_card(answer: Answer, *, sure: bool, calibrated: bool) -> str:
    """The answer large, how sure it is, its sentence and its source."""
    kicker = "Answer" if sure else "Best guess, not sure enough to count as an answer"
    return (
        f'<article class="sw-card sw-{_level(answer.confidence)}">'
        f'<p class="sw-kicker">{kicker}</p>'
        f'<p class="sw-answer" dir="auto">{_escape(answer.text)}</p>'
        f"{_confidence(answer.confidence, calibrated=calibrated)}"
        f'<blockquote class="sw-sentence" dir="auto">{_marked(words.sentence_segments(answer))}</blockquote>'
        f"{_source(answer.document.title, answer.headings, answer.page, answer.document.path)}"
        f"{_also_in(answer)}</article>"
    )


def passage_panel(answer: Answer) -> str:
    """The passage that was read, the answer marked at its own offsets."""
    return (
        '<section class="sw-passage"><h2>Where it stands</h2>'
        f'<div class="sw-text" dir="auto">{_marked(words.passage_segments(answer))}</div></section>'
    )


def refusal_card(result: AskResult) -> str:
    """That there is no answer, and why: a result like any other."""
    reason = _escape(words.no_answer_reason(result))
    return (
        '<article class="sw-card"><p class="sw-kicker">Result</p>'
        f'<p class="sw-answer">{words.no_answer_head(result)}</p><p class="sw-reason">{reason}</p></article>'
    )


def other_answers(answers: Sequence[Answer], *, first: int = 2) -> str:
    """Answers after the first, each with its sentence and source, numbered from `first`."""
    items = "".join(
        f'<li><p class="sw-other"><strong dir="auto">{_escape(answer.text)}</strong>'
        f'<span class="sw-note">{_confidence_line(answer.confidence)}</span></p>'
        f'<blockquote class="sw-sentence" dir="auto">{_marked(words.sentence_segments(answer))}</blockquote>'
        f"{_source(answer.document.title, answer.headings, answer.page, answer.document.path)}</li>"
        for answer in answers
    )
    return f'<ol class="sw-list" start="{first}">{items}</ol>'


def hit_list(hits: Iterable[Hit]) -> str:
    """Passages in their order, each with its source and scores."""
    return f'<ol class="sw-list sw-hits">{"".join(_hit(hit) for hit in hits)}</ol>'


def nearest(hits: Iterable[Hit]) -> str:
    """The passages that come nearest where there is no answer."""
    return f'<h2 class="sw-head">The nearest passages</h2>{hit_list(hits)}'


def search_note(result: SearchResult) -> str:
    """What is to be said about a whole search."""
    if not result.hits:
        return note("No passage fits the question and the filters.")
    if result.unsupported_language:
        return note("The encoder does not know this script: passages are ranked by their words alone.")
    total = result.timings_ms.get("total")
    found = words.count(len(result.hits), "passage")
    return note(found if total is None else f"{found} in {total:,.0f} ms")


def timing_note(result: AskResult) -> str:
    """How much was read and how long it took."""
    total = result.timings_ms.get("total")
    read = f"{words.count(len(result.passages), 'passage')} considered"
    return note(read if total is None else f"{read} in {total / 1000:.1f} s")


def ingest_summary(report: IngestReport) -> str:
    """What was taken in, and every file that was left out with the reason."""
    counts = (
        (report.added, "added"),
        (report.updated, "updated"),
        (report.unchanged, "already there"),
        (report.removed, "removed"),
    )
    said = ", ".join(f"{number:,} {word}" for number, word in counts if number) or "nothing added"
    rejected = "".join(
        f"<li><strong>{_escape(_file_name(item.path))}</strong> was left out: "
        f"{_escape(_REASON_WORDS[item.reason.value])} "
        f'<span class="sw-note">{_escape(item.detail)}</span></li>'
        for item in report.rejected
    )
    warnings = "".join(f'<li class="sw-note">{_escape(warning)}</li>' for warning in report.warnings)
    passages = words.count(report.passages, "new passage")
    return (
        f'<section class="sw-summary" role="status"><p>{said} · {passages} · {report.seconds:.1f} s</p>'
        f"<ul>{rejected}{warnings}</ul></section>"
    )


def removal_summary(removed: int) -> str:
    """What a removal did."""
    return (
        f'<section class="sw-summary" role="status"><p>{words.count(removed, "file")} removed</p></section>'
    )


def store_facts(stats: Stats) -> str:
    """What the collection holds and what serves it."""
    recall = stats.index.measured_recall
    facts = (
        ("documents", f"{stats.documents:,}"),
        ("passages", f"{stats.passages:,}"),
        ("languages", ", ".join(sorted(stats.languages)) or "–"),
        ("size", words.byte_size(stats.bytes)),
        ("encoder", stats.encoder),
        ("reader", stats.reader),
        ("index", stats.index.kind if recall is None else f"{stats.index.kind}, recall {recall:.3f}"),
    )
    items = "".join(f"<div><dt>{name}</dt><dd>{_escape(fact)}</dd></div>" for name, fact in facts)
    return f'<dl class="sw-facts">{items}</dl>'


def welcome(documents: int, passages: int, say: Say) -> str:
    """What to do first, and what there is to ask."""
    empty = not documents
    if empty:
        head, text = "Nothing to ask yet", "Open the tab Collection and add files or a folder."
    else:
        head = "Ask in plain language"
        text = "You get the exact words of a document, where they stand, or an honest “no answer in here”."
    holds = f"{say.count('document', documents)} · {say.count('passage', passages)}"
    return (
        f'<section class="sw-welcome"><p class="sw-lead">{head}</p><p>{text}</p>'
        f'<p class="sw-note">{holds}</p></section>'
    )


def note(text: str) -> str:
    """A remark beside the results."""
    return f'<p class="sw-note">{_escape(text)}</p>'


def failure(message: str, hint: str) -> str:
    """Something that the user can mend."""
    return (
        f'<article class="sw-card" role="alert"><p class="sw-kicker">That did not work</p>'
        f'<p class="sw-reason">{_escape(message)}</p><p class="sw-note">{_escape(hint)}</p></article>'
    )


def _hit(hit: Hit) -> str:
    scores = [f"score {hit.score:.3f}"]
    scores += [] if hit.dense_score is None else [f"meaning {hit.dense_score:.2f}"]
    scores += [] if hit.lexical_score is None else [f"words {hit.lexical_score:.1f}"]
    source = _source(hit.document.title, hit.passage.headings, hit.passage.page, hit.document.path)
    return (
        f'<li value="{hit.rank}">{source}<div class="sw-text" dir="auto">{_escape(hit.passage.text)}</div>'
        f'<p class="sw-note">{" · ".join(scores)}</p></li>'
    )


def _marked(segments: Iterable[words.Segment]) -> str:
    return "".join(
        f"<mark>{_escape(segment.text)}</mark>" if segment.marked else _escape(segment.text)
        for segment in segments
    )


def _level(confidence: float) -> str:
    return "high" if confidence >= 0.6 else "middle" if confidence >= 0.35 else "low"


def _confidence(confidence: float, *, calibrated: bool) -> str:
    share = min(max(confidence, 0.0), 1.0)
    note = "" if calibrated else '<span class="sw-note">an estimate, not fitted to this collection</span>'
    return (
        f'<div class="sw-confidence"><span class="sw-bar" aria-hidden="true">'
        f'<span style="width:{share:.0%}"></span></span>'
        f"<span>{_confidence_line(confidence)}</span>{note}</div>"
    )


def _confidence_line(confidence: float) -> str:
    sentence = words.confidence_words(confidence)
    return f"{sentence[0].upper()}{sentence[1:]}, {words.percent(confidence)}"


def _source(title: str, headings: Sequence[str], page: int | None, path: str) -> str:
    return (
        f'<p class="sw-source" dir="auto">{_escape(words.place(title, headings, page))}</p>'
        f'<p class="sw-path">{_escape(path)}</p>'
    )


def _also_in(answer: Answer) -> str:
    paths = dict.fromkeys(source.path for source in answer.also_in if source.path != answer.document.path)
    if not paths:
        return ""
    items = "".join(f'<li class="sw-path">{_escape(path)}</li>' for path in paths)
    return f'<p class="sw-note">The same answer also stands in</p><ul class="sw-also">{items}</ul>'


def _file_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2] or path

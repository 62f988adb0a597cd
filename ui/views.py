"""What the page shows, as HTML (pure, no streamlit): what all tabs share, and the collection.

Every function takes records and returns a fragment for `st.html`. Text from documents, questions and file
names gets into a fragment only through `escape`; only the modules `views*` build HTML. The classes are
styled in `look`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from index.records import IngestReport, Stats
from ui import words
from ui.messages import ENGLISH, Say

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


def escape(text: str) -> str:
    """Text as HTML that shows it and nothing else."""
    return html.escape(text, quote=True)


def marked(segments: Iterable[words.Segment]) -> str:
    """Pieces of a text, the marked ones marked."""
    return "".join(
        f"<mark>{escape(segment.text)}</mark>" if segment.marked else escape(segment.text)
        for segment in segments
    )


def source(title: str, headings: Sequence[str], page: int | None, path: str, say: Say) -> str:
    """Where something stands, and the path of its file."""
    return (
        f'<p class="sw-source" dir="auto">{escape(words.place(title, headings, page, say))}</p>'
        f'<p class="sw-path">{escape(path)}</p>'
    )


def lead(head: str, text: str, remark: str = "") -> str:
    """What a tab begins with: a few large words and a sentence."""
    return (
        f'<section class="sw-welcome"><p class="sw-lead">{escape(head)}</p><p>{escape(text)}</p>'
        f"{note(remark) if remark else ''}</section>"
    )


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
        f"<li><strong>{escape(_file_name(item.path))}</strong> was left out: "
        f"{escape(_REASON_WORDS[item.reason.value])} "
        f'<span class="sw-note">{escape(item.detail)}</span></li>'
        for item in report.rejected
    )
    warnings = "".join(f'<li class="sw-note">{escape(warning)}</li>' for warning in report.warnings)
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
    items = "".join(f"<div><dt>{name}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts)
    return f'<dl class="sw-facts">{items}</dl>'


def note(text: str) -> str:
    """A remark beside the results."""
    return f'<p class="sw-note">{escape(text)}</p>'


def failure(message: str, hint: str, say: Say = ENGLISH) -> str:
    """Something that the user can mend."""
    return (
        f'<article class="sw-card" role="alert"><p class="sw-kicker">{say("frame.failed")}</p>'
        f'<p class="sw-reason">{escape(message)}</p><p class="sw-note">{escape(hint)}</p></article>'
    )


def _file_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2] or path

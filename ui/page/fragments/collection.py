"""The collection as HTML: facts, statistics, what an ingest did (pure, no streamlit)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from index.records import DocumentSize, FileReport, IngestReport, Stats
from ingest.records import Rejected, RejectReason
from ui.page.fragments.base import escape
from ui.page.fragments.jobs import bars, charts
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.ingest_jobs import needs_password

_MOST_BARS = 8
_LANGUAGES_NAMED = 4
_LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
_SHOWN = 20  # rejected files in a summary; all are in the report


def store_facts(stats: Stats, say: Say) -> str:
    """What the collection holds and what serves it."""
    index = stats.index
    recall = (
        say("collection.recall_exact", kind=index.kind)
        if index.measured_recall is None
        else say("collection.recall", kind=index.kind, recall=f"{index.measured_recall:.3f}")
    )
    facts = (
        ("documents", f"{stats.documents:,}"),
        ("passages", f"{stats.passages:,}"),
        ("languages", _languages(stats.languages, say)),
        ("size", phrasing.byte_size(stats.bytes)),
        ("encoder", stats.encoder),
        ("reader", stats.reader),
        ("index", recall),
    )
    items = "".join(
        f"<div><dt>{say(f'collection.fact_{name}')}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts
    )
    return f'<dl class="sw-facts">{items}</dl>'


def statistics(stats: Stats, documents: Sequence[DocumentSize], say: Say) -> str:
    """The collection in plots: languages, kinds, lengths, passages, and what was left out."""
    named_languages = {phrasing.language_name(code, say): count for code, count in stats.languages.items()}
    passages: Counter[str] = Counter()
    for document in documents:
        passages[document.type] += document.passages
    parts = [
        bars(say("collection.by_language"), _largest(named_languages, say)),
        bars(say("collection.by_type"), _largest(stats.types, say)),
        bars(say("collection.by_passages"), _largest(passages, say)),
        bars(say("collection.by_length"), lengths([document.characters for document in documents], say)),
    ]
    if stats.rejected:
        named = {say(f"rejected.{reason}"): number for reason, number in stats.rejected.items()}
        parts.append(bars(say("collection.by_rejection"), _largest(named, say)))
    return charts(parts)


def lengths(characters: Iterable[int], say: Say) -> list[tuple[str, int]]:
    """How many documents there are of each order of magnitude, ends without any left out."""
    edges = (0, *_LENGTHS, None)
    counts = [0] * (len(_LENGTHS) + 1)
    for length in characters:
        counts[sum(length >= edge for edge in _LENGTHS)] += 1
    rows = []
    for least, limit, number in zip(edges[:-1], edges[1:], counts, strict=True):
        if limit is None:
            name = say("collection.length_above", least=f"{least:,}")
        elif not least:
            name = say("collection.length_below", limit=f"{limit:,}")
        else:
            name = say("collection.length_from", least=f"{least:,}", limit=f"{limit:,}")
        rows.append((name, number))
    while rows and not rows[-1][1]:
        rows.pop()
    while rows and not rows[0][1]:
        rows.pop(0)
    return rows


def ingest_summary(report: IngestReport, say: Say) -> str:
    """How many files were added, and the files that were left out with the reason."""
    counts = (
        (report.added, "collection.added"),
        (report.updated, "collection.updated"),
        (report.unchanged, "collection.unchanged"),
        (report.removed, "collection.removed"),
    )
    parts = [say(key, count=f"{number:,}") for number, key in counts if number]
    line = " · ".join(
        [
            ", ".join(parts) or say("collection.nothing_added"),
            say("collection.new_passages", count=f"{report.passages:,}"),
            say("work.seconds", count=f"{report.seconds:.1f}"),
        ]
    )
    rejected = "".join(
        f"<li><strong>{escape(_file_name(item.path))}</strong> {say('collection.left_out')} "
        f"{say(f'rejected.{item.reason.value}')} "
        f'<span class="sw-note">({escape(_detail(item, say))})</span></li>'
        for item in report.rejected[:_SHOWN]
    )
    more = len(report.rejected) - _SHOWN
    rejected += f"<li>{say('collection.more_left_out', count=f'{more:,}')}</li>" if more > 0 else ""
    warnings = "".join(f'<li class="sw-note">{escape(item)}</li>' for item in report.warnings[:_SHOWN])
    lists = f"<ul>{rejected}{warnings}</ul>"
    return f'<section class="sw-summary" role="status"><p>{escape(line)}</p>{lists}</section>'


def coverage_note(files: Sequence[FileReport], say: Say) -> str:
    """The sums of the report on files."""
    read = [file for file in files if file.rejected is None]
    return say(
        "collection.coverage_note",
        files=f"{len(read):,}",
        characters=f"{sum(file.characters for file in read):,}",
        pages=f"{sum(file.pages for file in read):,}",
        with_text=f"{sum(file.pages_with_text for file in read):,}",
    )


def _languages(counts: Mapping[str, int], say: Say) -> str:
    """The names of the most frequent languages, and how many more there are."""
    ranked = sorted(counts, key=lambda code: (-counts[code], code))
    named = ", ".join(phrasing.language_name(code, say) for code in ranked[:_LANGUAGES_NAMED])
    rest = len(ranked) - _LANGUAGES_NAMED
    return say("collection.languages_more", languages=named, count=rest) if rest > 0 else named or "–"


def _largest(counts: Mapping[str, int], say: Say) -> list[tuple[str, int]]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(number for _, number in ranked[_MOST_BARS:])
    return [*ranked[:_MOST_BARS], *([(say("collection.other"), rest)] if rest else [])]


def _detail(item: Rejected, say: Say) -> str:
    # What else there is to say of a locked file is an option of the command line.
    if item.reason is not RejectReason.ENCRYPTED:
        return item.detail
    return say("collection.locked_pdf" if needs_password(item) else "collection.locked")


def _file_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2] or path

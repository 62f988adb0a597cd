"""Results as a person reads them in a terminal: a record in, text out; `show` prints one form of a result.

Document text is stripped of control characters first, because a terminal obeys them. The JSON forms are in
`json_forms`.
"""

from __future__ import annotations

import re
import shlex
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from ui.render import phrasing
from ui.render.json_forms import Json, dumps
from ui.render.messages import ENGLISH
from ui.settings import Settings

if TYPE_CHECKING:  # every command line pays for what is imported here
    from index.records import (
        BackupReport,
        CheckReport,
        ExportReport,
        Hit,
        ImportReport,
        IndexInfo,
        IngestReport,
        ReembedReport,
        SearchResult,
        Stats,
    )
    from qa.explanation.records import TokenWeight, Why
    from qa.records import Answer, AskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Whether the terminal shows bold and dim, and its width in characters."""

    colour: bool = False
    width: int = 100

    def bold(self, text: str) -> str:
        """The text, bold where the terminal shows it."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text

    def dim(self, text: str) -> str:
        """The text, dim where the terminal shows it."""
        return f"\x1b[2m{text}\x1b[0m" if self.colour else text

    def marked(self, segments: Iterable[phrasing.Segment]) -> str:
        """Segments in one line, the answer among them bold, or between asterisks without colour."""
        pieces = ((printable(segment.text), segment.marked) for segment in segments)
        mark = self.bold if self.colour else "**{}**".format
        return "".join(mark(text) if marked else text for text, marked in pieces)


PLAIN = Style()
_SHOWN = 50


def style_of(settings: Settings) -> Style:
    """The style of this run's standard output."""
    return Style(colour=settings.colour, width=min(get_terminal_size((100, 24)).columns, 110) - 5)


def show(settings: Settings, as_json: Json, as_text: str) -> None:
    """Print a result in the form that was asked for."""
    print(dumps(as_json) if settings.json else as_text)


def printable(text: str) -> str:
    """`text` in one line, without characters that steer a terminal; spaces at its ends stay."""
    visible = "".join(char for char in text if char.isspace() or unicodedata.category(char) != "Cc")
    return re.sub(r"\s+", " ", visible)


def ask_text(result: AskResult, style: Style = PLAIN, whys: Sequence[Why] = ()) -> str:
    """An answer with its source and the others, a likely one, the closest sentence, or why there is none.

    `whys`, if any, belong to the answers one by one.
    """
    reasons = [_why(why, style) for why in whys] or [[] for _ in result.shown]
    lines = [] if result.answered else _refusal(result, style)
    if result.shown:
        first, *others = result.shown
        lines += [*_answer(first, style), *(f"  {line}" for line in reasons[0])]
        if others:
            lines += ["", "Other answers" if result.answers else ENGLISH("answer.rivals")]
        for number, answer in enumerate(others, start=2):
            lines += [*_other(number, answer, style), *(f"     {line}" for line in reasons[number - 1])]
    elif result.closest is not None:
        lines += _closest(result.closest, style)
    elif result.passages:
        lines += ["", "Nearest passages", *_hits(result.passages[:3], style)]
    return "\n".join(lines)


def search_text(result: SearchResult, style: Style = PLAIN) -> str:
    """Ranked passages with their sources."""
    if not result.hits:
        return "No passage fits the question and the filters."
    note = ["The encoder does not know this script: passages are ranked by their words alone."]
    return "\n".join([*(note if result.unsupported_language else []), *_hits(result.hits, style)])


def ingest_text(report: IngestReport, *, dry_run: bool = False) -> str:
    """A summary with every rejected file and why."""
    form = "{:,} would be {}" if dry_run else "{:,} {}"
    counts = [
        form.format(report.added, "added"),
        form.format(report.updated, "updated"),
        form.format(report.removed, "removed"),
    ]
    head = ", ".join([*counts, f"{report.unchanged:,} unchanged", f"{len(report.rejected):,} left out"])
    lines = [f"{head}; {phrasing.count(report.passages, 'new passage')} in {report.seconds:.1f} s"]
    if report.models:
        lines.append(f"  models: {report.models}, by the languages of the documents (spanwise models)")
    if report.skipped:
        lines.append(f"  passed over: {_counts(report.skipped.items())}")
    rejected = [
        f"  left out ({item.reason.value}): {printable(item.path)}: {printable(item.detail)}"
        for item in report.rejected
    ]
    lines += [*_first(rejected), *_first([f"  note: {printable(warning)}" for warning in report.warnings])]
    return "\n".join(lines)


def _first(lines: list[str]) -> list[str]:
    """The first lines, and how many more there are."""
    rest = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"  ... and {rest:,} more; see: spanwise stats --files"] if rest > 0 else lines


def stats_text(stats: Stats, store: str) -> str:
    """What a store holds, one fact a line."""
    facts = {
        "store": store,
        "documents": f"{stats.documents:,} ({phrasing.count(stats.paths, 'path')})",
        "passages": f"{stats.passages:,} ({stats.characters:,} characters)",
        "languages": _counts(stats.languages.items()),
        "types": _counts(stats.types.items()),
        "encoder": stats.encoder,
        "reader": stats.reader,
        "index": index_text(stats.index),
        "size": phrasing.byte_size(stats.bytes),
        "revision": f"{stats.revision:,}",
    }
    if stats.rejected:
        facts["left out"] = _counts(stats.rejected.items())
    if stats.labels or stats.feedback:
        facts["remarks"] = (
            f"{phrasing.count(stats.labels, 'label')}, {phrasing.count(stats.feedback, 'verdict')}"
        )
    return "\n".join(f"{name:<10} {printable(fact)}" for name, fact in facts.items())


def export_text(report: ExportReport) -> str:
    """What an export wrote."""
    vectors = f" and {phrasing.count(report.vectors, 'vector')}" if report.vectors else ""
    passages = f"{phrasing.count(report.passages, 'passage')}{vectors}"
    return f"{phrasing.count(report.documents, 'document')} with {passages} written in {report.seconds:.1f} s"


def import_text(report: ImportReport) -> str:
    """A summary with every line that could not be taken in and why."""
    lines = [
        f"{report.added:,} added, {report.updated:,} updated, {report.unchanged:,} unchanged; "
        f"{phrasing.count(report.passages, 'new passage')}, {report.encoded:,} of them encoded, "
        f"in {report.seconds:.1f} s"
    ]
    lines += [f"  line {problem.line:,}: {printable(problem.detail)}" for problem in report.problems]
    return "\n".join(lines)


def backup_text(report: BackupReport) -> str:
    """Where a copy is and how to use it."""
    folder = printable(report.folder)
    return (
        f"Copied to {folder}, {phrasing.byte_size(report.bytes)}. To use it: "
        f"spanwise stats --store {shlex.quote(folder)}"
    )


def reembed_text(report: ReembedReport) -> str:
    """What a change of encoder did, and what remains to be done."""
    unreadable = f", {report.unreadable:,} found by their words alone" if report.unreadable else ""
    return (
        f"The encoder is {printable(report.encoder)} now: "
        f"{phrasing.count(report.encoded, 'passage')} encoded, "
        f"{report.kept:,} done before{unreadable}, in {report.seconds:.1f} s. "
        "The old vectors go with: spanwise compact"
    )


def index_text(info: IndexInfo) -> str:
    """The vector index in a line, and what to do about it if anything."""
    recall = "" if info.measured_recall is None else f", recall@10 {info.measured_recall:.3f}"
    advice = "" if info.advice is None else f"; {info.advice}"
    return f"{info.kind}, {phrasing.count(info.vectors, 'vector')}{recall}{advice}"


def check_text(report: CheckReport) -> str:
    """Whether a store agrees with itself and what does not; after a repair what was done and is lost."""
    lines = [f"Done: {done}" for done in report.done] + [f"Lost: {lost}" for lost in report.lost]
    if report.ok:
        return "\n".join([*lines, "The store is in order."])
    count = phrasing.count(len(report.problems), "problem")
    return "\n".join([*lines, f"{count}:", *(f"  {problem}" for problem in report.problems)])


def _counts(items: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in sorted(items, key=lambda item: -item[1])) or "-"


def _refusal(result: AskResult, style: Style) -> list[str]:
    if not result.answers and (result.candidates or result.closest is not None):
        return [phrasing.no_answer_head(result)]
    head = "No sure answer" if result.answers else phrasing.no_answer_head(result)
    lines = [style.bold(head), phrasing.no_answer_reason(result)]
    return [*lines, "", "Best guess"] if result.answers else lines


def _closest(closest: Answer, style: Style) -> list[str]:
    return [
        style.bold(f"“{printable(closest.text)}”"),
        f"  {phrasing.holds_answer(closest)}",
        *_source(closest, style),
    ]


def _answer(answer: Answer, style: Style) -> list[str]:
    lines = [
        style.bold(printable(phrasing.headline(answer))),
        f"  {phrasing.confidence_words(answer.confidence)} ({answer.confidence:.2f})",
        f"  “{style.marked(phrasing.sentence_segments(answer))}”",
        *([f"  {printable(phrasing.cell(answer))}"] if answer.cell else []),
        *_source(answer, style),
    ]
    return lines + [f"  also in {style.dim(printable(source.path))}" for source in answer.also_in]


def _source(answer: Answer, style: Style) -> list[str]:
    return [
        f"  {printable(phrasing.place(answer.document.title, answer.headings, answer.page))}",
        f"  {style.dim(printable(answer.document.path))}",
    ]


def _other(number: int, answer: Answer, style: Style) -> list[str]:
    head = (
        f"{printable(answer.text)} ({phrasing.confidence_words(answer.confidence)}, {answer.confidence:.2f})"
    )
    source = phrasing.place(answer.document.title, answer.headings, answer.page)
    return [f"  {number}. {head}", f"     {style.dim(printable(source))}"]


def _why(why: Why, style: Style) -> list[str]:
    attribution, blank = why.attribution, why.attribution.baseline_log_odds
    against = f'{attribution.target_log_odds:+.1f} against "no answer"'
    return [
        "why:",
        f"  reader    {against}; {blank:+.1f} if it saw no word of question and passage",
        f"  question  {_weights(phrasing.strongest(attribution.question, 5), style)}",
        f"  passage   {_weights(phrasing.strongest(attribution.passage, 8), style)}",
        f"  found by  {phrasing.retrieval(why.evidence)}",
    ]


def _weights(weighed: Iterable[TokenWeight], style: Style) -> str:
    shown = (f"{printable(word.text)} {style.dim(f'{word.weight:+.1f}')}" for word in weighed)
    return ", ".join(shown) or "-"


def _hits(hits: Sequence[Hit], style: Style) -> list[str]:
    lines: list[str] = []
    for hit in hits:
        source = phrasing.place(hit.document.title, hit.passage.headings, hit.passage.page)
        body = textwrap.shorten(printable(hit.passage.text), width=3 * style.width, placeholder=" …")
        lines.append(f"{hit.rank:>3}. {style.bold(printable(source))}  {style.dim(f'{hit.score:.3f}')}")
        lines += textwrap.wrap(body, width=style.width, initial_indent="     ", subsequent_indent="     ")
        lines.append(f"     {style.dim(printable(hit.document.path))}")
    return lines

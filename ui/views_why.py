"""Why an answer, as HTML: words shaded by what they add, scores and rivals (pure, no streamlit).

As in `views`, text from documents and questions gets in escaped only. The hue says for or against, its
strength how much, relative to the strongest word; words against are dotted below as well, so that colour is
not needed. The shades, styled in `look`, are mixed into the ground of the theme in force, only so far that
text stays readable on them.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from qa.why import Attribution, TokenWeight, Why
from ui import words

STRONGEST = 45  # per cent of the hue in the ground of the strongest word
_FAINTEST = 4  # below this per cent a word stays plain


def why_panel(why: Why, question: str, passage: str, start: int, end: int) -> str:
    """Everything that spoke for an answer; it stands at [start, end) of the passage."""
    found = why.attribution
    strongest = max((abs(word.weight) for word in (*found.question, *found.passage)), default=0.0)
    return (
        f'<section class="sw-why"><h3>Words that made it the answer</h3>'
        f'<div class="sw-text" dir="auto">{_shaded(question, found.question, strongest)}</div>'
        f'<div class="sw-text" dir="auto">{_shaded(passage, found.passage, strongest, start, end)}</div>'
        f"{_legend(found)}<h3>Scores</h3>{_table(_scores(why))}{_rivals(why)}</section>"
    )


def _shaded(text: str, weighed: Sequence[TokenWeight], strongest: float, start: int = 0, end: int = 0) -> str:
    """`text` whole, its words shaded, what is of the answer [start, end) underlined."""
    pieces, place = [], 0
    for word in weighed:
        share = round(STRONGEST * abs(word.weight) / strongest) if strongest else 0
        pieces.append(_underlined(text, place, word.start, start, end))
        shown = _underlined(text, word.start, word.end, start, end)
        if share >= _FAINTEST:
            kind = "for" if word.weight > 0 else "against"
            shown = (
                f'<span class="sw-w sw-{kind}" style="--sw-share:{share}%" title="{word.weight:+.2f}">'
                f"{shown}</span>"
            )
        pieces.append(shown)
        place = word.end
    return "".join([*pieces, _underlined(text, place, len(text), start, end)])


def _underlined(text: str, first: int, last: int, start: int, end: int) -> str:
    """`text[first:last]`, underlined where it lies in [start, end)."""
    left, right = min(max(start, first), last), min(max(end, first), last)
    inside = f"<u>{_escape(text[left:right])}</u>" if left < right else ""
    return f"{_escape(text[first:left])}{inside}{_escape(text[max(left, right) : last])}"


def _legend(found: Attribution) -> str:
    def listed(weighed: Sequence[TokenWeight]) -> str:
        shown = (f"{_escape(word.text)} {word.weight:+.1f}" for word in words.strongest(weighed, 5))
        return ", ".join(shown) or "–"

    return (
        '<p class="sw-legend"><span class="sw-w sw-for" style="--sw-share:30%">speaks for it</span> · '
        '<span class="sw-w sw-against" style="--sw-share:30%">speaks against it</span> · '
        "<u>the answer</u></p>"
        f'<p class="sw-note">Strongest in the question: <span dir="auto">{listed(found.question)}</span>. '
        f'In the passage: <span dir="auto">{listed(found.passage)}</span>.</p>'
    )


def _scores(why: Why) -> list[tuple[str, str]]:
    found, evidence = why.attribution, why.evidence
    return [
        ("These words against “no answer”, log-odds", f"{why.span_score:+.2f}"),
        ("The same, no word of question and passage seen", f"{found.baseline_log_odds:+.2f}"),
        ("Rank of the passage", str(evidence.rank)),
        ("Score of the search", f"{evidence.score:.3f}"),
        ("Nearness in meaning, cosine", _figure(evidence.dense_score, ".2f")),
        ("Words in common, BM25", _figure(evidence.lexical_score, ".1f")),
        ("Words of the question in the passage", f"{100 * evidence.coverage:.0f} %"),
        ("Other places that say the same", str(why.agreement)),
    ]


def _rivals(why: Why) -> str:
    if not why.competitors:
        return ""
    rows = [
        (rival.text, f"{words.percent(rival.confidence)} · {words.place(rival.title, (), rival.page)}")
        for rival in why.competitors
    ]
    return f"<h3>Competing answers</h3>{_table(rows)}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row" dir="auto">{_escape(name)}</th><td>{_escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table class="sw-scores">{lines}</table>'


def _figure(value: float | None, form: str) -> str:
    return "not found by it" if value is None else format(value, form)


def _escape(text: str) -> str:
    return html.escape(text, quote=True)

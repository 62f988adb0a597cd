"""Why an answer, as HTML: words shaded by what they add, scores and rivals (pure, no streamlit).

As in `base`, text from documents and questions gets in escaped only. The hue says for or against, its
strength how much, relative to the strongest word; words against are dotted below as well, so that colour is
not needed. The shades (`ui/page/static/style.css`) are mixed into the ground of the theme in force, only so
far that text stays readable on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from qa.explanation.records import Attribution, TokenWeight, Why
from ui.page.fragments.base import escape
from ui.render import phrasing
from ui.render.messages import Say

STRONGEST = 45  # per cent of the hue in the ground of the strongest word
_FAINTEST = 4  # below this per cent a word stays plain


def why_panel(why: Why, question: str, passage: str, start: int, end: int, say: Say) -> str:
    """The reasons of an answer that lies at [start, end) of the passage."""
    attribution = why.attribution
    strongest = max((abs(word.weight) for word in (*attribution.question, *attribution.passage)), default=0.0)
    read = _shaded(passage, attribution.passage, strongest, start, end)
    return (
        f'<section class="sw-why"><h3>{escape(say("why.words"))}</h3>'
        f'<div class="sw-text" dir="auto">{_shaded(question, attribution.question, strongest)}</div>'
        f'<div class="sw-text" dir="auto">{read}</div>'
        f"{_legend(attribution, say)}<h3>{escape(say('why.scores'))}</h3>"
        f"{_table(_scores(why, say))}{_rivals(why, say)}</section>"
    )


def _shaded(text: str, weighed: Sequence[TokenWeight], strongest: float, start: int = 0, end: int = 0) -> str:
    """`text` whole, its words shaded, the answer [start, end) underlined."""
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
    inside = f"<u>{escape(text[left:right])}</u>" if left < right else ""
    return f"{escape(text[first:left])}{inside}{escape(text[max(left, right) : last])}"


def _legend(attribution: Attribution, say: Say) -> str:
    def listed(weighed: Sequence[TokenWeight]) -> str:
        shown = (f"{escape(word.text)} {word.weight:+.1f}" for word in phrasing.strongest(weighed, 5))
        return ", ".join(shown) or "–"

    return (
        f'<p class="sw-legend"><span class="sw-w sw-for" style="--sw-share:30%">{escape(say("why.for"))}'
        "</span> · "
        f'<span class="sw-w sw-against" style="--sw-share:30%">{escape(say("why.against"))}</span> · '
        f"<u>{escape(say('why.answer'))}</u></p>"
        f'<p class="sw-note">{escape(say("why.strongest"))} '
        f'<span dir="auto">{listed(attribution.question)}</span>. '
        f'{escape(say("why.strongest_passage"))} <span dir="auto">{listed(attribution.passage)}</span>.</p>'
    )


def _scores(why: Why, say: Say) -> list[tuple[str, str]]:
    attribution, evidence = why.attribution, why.evidence
    return [
        (say("why.span_score"), f"{why.span_score:+.2f}"),
        (say("why.baseline"), f"{attribution.baseline_log_odds:+.2f}"),
        (say("why.rank"), str(evidence.rank)),
        (say("why.score"), f"{evidence.score:.3f}"),
        (say("why.dense"), _figure(evidence.dense_score, ".2f", say)),
        (say("why.lexical"), _figure(evidence.lexical_score, ".1f", say)),
        (say("why.coverage"), f"{100 * evidence.coverage:.0f} %"),
        (say("why.agreement"), str(why.agreement)),
    ]


def _rivals(why: Why, say: Say) -> str:
    if not why.competitors:
        return ""
    rows = [
        (
            rival.text,
            f"{phrasing.percent(rival.confidence)} · {phrasing.place(rival.title, (), rival.page, say)}",
        )
        for rival in why.competitors
    ]
    return f"<h3>{escape(say('why.rivals'))}</h3>{_table(rows)}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row" dir="auto">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table class="sw-scores">{lines}</table>'


def _figure(value: float | None, form: str, say: Say) -> str:
    return say("why.not_found") if value is None else format(value, form)

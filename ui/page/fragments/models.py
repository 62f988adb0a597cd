"""Models as HTML: what serves, what there is, its quality and speed on this computer (pure, no streamlit)."""

from __future__ import annotations

import time

from index.checkpoints.presets import PRESETS, ModelChoice
from ui.page.fragments.base import escape
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.model_choices import Candidate, Measured, serves


def serving_facts(models: ModelChoice, passages: int, say: Say) -> str:
    """Which models serve this store."""
    facts = (
        (say("models.encoder"), models.encoder),
        (say("models.reader"), models.reader),
        (say("models.passages"), f"{passages:,}"),
    )
    items = "".join(f"<div><dt>{name}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts)
    return f'<p class="sw-reason">{say("models.intro")}</p><dl class="sw-facts">{items}</dl>'


def model_card(candidate: Candidate, measured: Measured | None, now: ModelChoice, say: Say) -> str:
    """One choice: what it is, whether it is here, what was measured."""
    tags = []
    if serves(candidate, now):
        tags.append(say("models.in_use"))
    if candidate.bundled:
        tags.append(say("models.bundled"))
    elif candidate.here:
        tags.append(say("models.here"))
    else:
        tags.append(say("models.not_here"))
    if candidate.bytes is not None:
        tags.append(phrasing.byte_size(candidate.bytes))
    kind = candidate.name if candidate.name in PRESETS else "learned"
    about = say(f"models.about_{kind}")
    return (
        f'<p class="sw-work-head"><strong>{escape(candidate.name)}</strong>'
        f'<span class="sw-note">{escape(" · ".join(tags))}</span></p><p class="sw-note">{escape(about)}</p>'
        f"{_figures(measured, say)}"
    )


def _figures(measured: Measured | None, say: Say) -> str:
    if measured is None:
        return f'<p class="sw-note">{say("models.not_measured")}</p>'
    facts = (
        (say("models.exact"), f"{measured.exact:.1f} %"),
        (say("models.f1"), f"{measured.f1:.1f}"),
        (say("models.ece"), f"{measured.ece:.3f}"),
        (say("models.p50"), f"{measured.p50_ms:,.0f} ms"),
        (say("models.p95"), f"{measured.p95_ms:,.0f} ms"),
    )
    items = "".join(f"<div><dt>{name}</dt><dd>{fact}</dd></div>" for name, fact in facts)
    moment = time.strftime("%Y-%m-%d", time.localtime(measured.moment))
    note = say("models.measured_on", count=measured.questions, date=moment)
    return f'<dl class="sw-facts">{items}</dl><p class="sw-note">{escape(note)}</p>'

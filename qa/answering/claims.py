"""From a span that the reader chose to a claim: the unit that is shown, and the evidence of its words."""

from __future__ import annotations

from dataclasses import replace

from index.records import Hit
from ingest.records import Span
from qa.answering.decision import Claim
from qa.forms.evidence import sentence_evidence
from qa.forms.question_kind import question_kind
from qa.forms.units import answer_unit
from qa.records import SpanCandidate


def make_claim(question: str, candidate: SpanCandidate, hit: Hit, coverage: float) -> Claim:
    """The claim that a candidate of the hit's passage makes, widened to the unit of its question's kind."""
    text = hit.passage.text
    kind = question_kind(question)
    unit = answer_unit(text, candidate.start, candidate.end, kind, hit.document.language)
    shown = replace(candidate, text=text[unit.start : unit.end], start=unit.start, end=unit.end)
    return Claim(
        candidate=shown,
        hit=hit,
        coverage=coverage,
        chosen=candidate.text,
        evidence=sentence_evidence(question, hit, Span(start=unit.start, end=unit.end)),
    )

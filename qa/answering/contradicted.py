"""The decision where a sentence can speak against an answer that stands in it (`qa.forms.contradictions`).

Contradicted claims do not compete with the others: they come after them, with a small part of the confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingest.text.sentences import sentence_around
from qa.answering.decision import Claim, Decision, DecisionSettings, decide
from qa.forms.contradictions import contradicts, makes_demands

_LEFT = 0.02


def decide_consistently(
    question: str, claims: Sequence[Claim], settings: DecisionSettings, *, several: bool = False
) -> Decision:
    """As `decide`, with contradicted claims set apart."""
    against = [claim for claim in claims if makes_demands(question) and _is_contradicted(question, claim)]
    if not against:
        return decide(claims, settings, several=several)
    rest = decide([claim for claim in claims if claim not in against], settings, several=several)
    apart = decide(against, settings, several=several)
    lowered = (replace(item, confidence=item.confidence * _LEFT) for item in apart.ranked)
    return Decision(ranked=tuple(sorted((*rest.ranked, *lowered), key=lambda item: -item.confidence)))


def _is_contradicted(question: str, claim: Claim) -> bool:
    text, candidate = claim.hit.passage.text, claim.candidate
    sentence = sentence_around(text, candidate.start, candidate.end, claim.hit.document.language)
    return contradicts(
        question,
        candidate.text,
        text[sentence.start : sentence.end],
        headings=claim.hit.passage.headings,
        passage=text,
    )

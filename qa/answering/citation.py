"""From a span of a passage to a citation: place in the document, page, headings, sentence, other sources.

Page and headings are those of the answer's first character, not of its passage, so they come from the stored
document; where that was deleted since the search, those of the passage are given.
"""

from __future__ import annotations

from typing import Protocol

from index.errors import StoreError
from ingest.records import Document
from ingest.text.sentences import sentence_around
from qa.answering.decision import Claim, RankedClaim
from qa.records import Answer, Source


class Library(Protocol):
    """What a citation needs of a store."""

    def document(self, document_id: str) -> Document:
        """A document with its layout; raises StoreError for an unknown id."""
        ...


def cite(ranked: RankedClaim, library: Library) -> Answer:
    """The answer that a ranked claim stands for."""
    claim = ranked.claim
    candidate, hit = claim.candidate, claim.hit
    page, headings = _place(claim, library)
    sentence = sentence_around(hit.passage.text, candidate.start, candidate.end, hit.document.language)
    return Answer(
        text=candidate.text,
        confidence=ranked.confidence,
        span_score=candidate.margin,
        retrieval_score=hit.score,
        document=hit.document,
        page=page,
        headings=headings,
        start=claim.start,
        end=claim.end,
        sentence=hit.passage.text[sentence.start : sentence.end],
        passage=hit.passage,
        also_in=tuple(
            Source(path=other.hit.document.path, start=other.start, end=other.end) for other in ranked.others
        ),
    )


def _place(claim: Claim, library: Library) -> tuple[int | None, tuple[str, ...]]:
    passage = claim.hit.passage
    try:
        document = library.document(claim.hit.document.id)
    except StoreError:
        return passage.page, passage.headings
    return document.page_at(claim.start), document.headings_at(claim.start)

"""From a span of a passage to a citation: place in the document, page, headings, sentence, other sources.

Page and headings are those of the answer's first character, not of its passage, so they come from the stored
document; where that was deleted since the search, those of the passage are given. The sentence of a table's
cell is its row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from index.errors import StoreError
from ingest.parsers.common.table_row import cell_at, row_at
from ingest.records import Document, Span
from ingest.text.sentences import sentence_around
from qa.answering.decision import Claim, RankedClaim
from qa.forms.yes_no import verdict
from qa.records import Answer, Cell, Source


class Library(Protocol):
    """What a citation needs of a store."""

    def document(self, document_id: str) -> Document:
        """A document with its layout; raises StoreError for an unknown id."""
        ...


def cite(ranked: RankedClaim, library: Library, question: str = "") -> Answer:
    """The answer that a ranked claim stands for, with the verdict on a question that asks for yes or no."""
    claim = ranked.claim
    candidate, hit = claim.candidate, claim.hit
    place = _place(claim, library)
    sentence = hit.passage.text[place.sentence.start : place.sentence.end]
    return Answer(
        text=candidate.text,
        confidence=ranked.confidence,
        span_score=candidate.margin,
        retrieval_score=hit.score,
        document=hit.document,
        page=place.page,
        headings=place.headings,
        start=claim.start,
        end=claim.end,
        sentence=sentence,
        passage=hit.passage,
        also_in=tuple(
            Source(path=other.hit.document.path, start=other.start, end=other.end) for other in ranked.others
        ),
        cell=place.cell,
        verdict=verdict(question, sentence, hit.document.language),
        chosen=claim.chosen,
    )


def cite_sentence(claim: Claim, confidence: float, library: Library, question: str = "") -> Answer:
    """The sentence that holds a claim, in the form of an answer."""
    hit, place = claim.hit, _place(claim, library)
    text, start = hit.passage.text[place.sentence.start : place.sentence.end], hit.passage.start
    return Answer(
        text=text,
        confidence=confidence,
        span_score=None,
        retrieval_score=hit.score,
        document=hit.document,
        page=place.page,
        headings=place.headings,
        start=start + place.sentence.start,
        end=start + place.sentence.end,
        sentence=text,
        passage=hit.passage,
        verdict=verdict(question, text, hit.document.language),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """`sentence` stands at characters of the passage."""

    page: int | None
    headings: tuple[str, ...]
    sentence: Span
    cell: Cell | None = None


def _place(claim: Claim, library: Library) -> _Place:
    candidate, hit, passage = claim.candidate, claim.hit, claim.hit.passage
    sentence = sentence_around(passage.text, candidate.start, candidate.end, hit.document.language)
    try:
        document = library.document(hit.document.id)
    except StoreError:
        return _Place(page=passage.page, headings=passage.headings, sentence=sentence)
    page, headings = document.page_at(claim.start), document.headings_at(claim.start)
    row = row_at(document.text, claim.start, claim.end)
    if row is None:
        return _Place(page=page, headings=headings, sentence=sentence)
    first, last = max(row.start, passage.start), min(row.end, passage.end)
    cell = cell_at(document.text, claim.start, claim.end)
    return _Place(
        page=page,
        headings=headings,
        sentence=Span(start=first - passage.start, end=last - passage.start),
        cell=None if cell is None else Cell(row=cell.row, column=cell.column),
    )

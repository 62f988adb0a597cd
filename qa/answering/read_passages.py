"""From search results to claims: the passages are read in steps, the most promising ones first.

The reader's context is the plain text of a passage, so a candidate's offsets become offsets of the document
by adding the passage's start. Neighbouring passages are read apart: no answer crosses their border
(`ingest.chunking.split`), and joined they were read worse (data/bench/choices.md).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.ingestion.embed_passages import UNKNOWN_LIMIT
from index.records import Hit, SearchResult
from ingest.errors import SpanwiseError
from qa.answering.decision import Claim, DecisionSettings
from qa.answering.early_stopping import READ_ALL, ReadingOrder, StoppingRule
from qa.answering.evidence import coverage
from qa.forms.question_kind import asks_for_several
from qa.protocols import Reader
from qa.reading.trimming import has_content
from qa.records import Reason, SpanCandidate

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadQuestion:
    """A question's passages and what the reader claims of them; `obstacle` is why there can be no answer.

    `read` is how many of the passages were read; the others could not have changed the decision.
    """

    result: SearchResult
    claims: tuple[Claim, ...] = ()
    obstacle: Reason | None = None
    read: int = 0


def can_be_read(result: SearchResult) -> bool:
    """Whether there is anything that a reader could read."""
    return bool(result.hits and result.query.strip()) and not result.unsupported_language


def unread(result: SearchResult) -> ReadQuestion:
    """A question for which `can_be_read` is False, and why."""
    if not result.query.strip():
        obstacle = Reason.EMPTY_QUESTION
    else:
        obstacle = Reason.UNSUPPORTED_LANGUAGE if result.hits else Reason.NO_PASSAGES
    return ReadQuestion(result=result, obstacle=obstacle)


def read_questions(
    results: Sequence[SearchResult], reader: Reader, settings: DecisionSettings, rule: StoppingRule
) -> list[ReadQuestion]:
    """For each question what its passages claim, and what stood in the way.

    The steps of all questions are taken together, so that they fill batches. Where a question asks for
    several things, all its passages are read.
    """
    orders = [_order(result, reader, settings, rule) for result in results]
    while any(steps := [order.next() for order in orders]):
        texts = [
            (result.query, [order.hits[position].passage.text for position in step])
            for result, order, step in zip(results, orders, steps, strict=True)
        ]
        for order, step, candidates in zip(orders, steps, _read(reader, texts), strict=True):
            order.observe([replace(item, context=step[item.context]) for item in candidates])
    return [
        _read_question(result, order) if can_be_read(result) else unread(result)
        for result, order in zip(results, orders, strict=True)
    ]


def _order(
    result: SearchResult, reader: Reader, settings: DecisionSettings, rule: StoppingRule
) -> ReadingOrder:
    hits = _readable(result, reader) if can_be_read(result) else []
    covered = [coverage(result.query, hit) for hit in hits]
    several = asks_for_several(result.query)
    return ReadingOrder(hits, covered, settings, READ_ALL if several else rule, question=result.query)


def _readable(result: SearchResult, reader: Reader) -> list[Hit]:
    """The hits whose words the reader knows; none where it does not know the question's."""
    if reader.unknown_share(result.query) > UNKNOWN_LIMIT:
        return []
    return [hit for hit in result.hits if reader.unknown_share(hit.passage.text) <= UNKNOWN_LIMIT]


def _read(reader: Reader, texts: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
    """Candidates for each (question, texts); none where the model fails."""
    try:
        return reader.read_many(texts)
    except SpanwiseError:
        raise
    except Exception:
        _LOG.exception("the reader %s failed", reader.name)
        return [[] for _ in texts]


def _read_question(result: SearchResult, order: ReadingOrder) -> ReadQuestion:
    obstacle = None
    if not order.hits:
        obstacle = Reason.UNSUPPORTED_LANGUAGE
    elif not order.claims and any(has_content(hit.passage.text) for hit in order.hits):
        _LOG.error("the reader gave no usable scores for %r", result.query)
        obstacle = Reason.MODEL_FAILURE
    return ReadQuestion(result=result, claims=order.claims, obstacle=obstacle, read=order.read)

"""Verdicts of people on answers, and the labelled questions that follow from them.

    right   these words answer the question; without words: "no answer in here" is right
    span    these words answer it, selected by a person
    wrong   these words do not answer it; without words: there is an answer in here, somewhere

A verdict is stored as `index.records.Feedback`, anchored to the file and its words. The paragraph in which it
was given is stored with it (`details`), so that a labelled question stays whole when its document is split
again, changes or goes. Of several verdicts on the same words of a paragraph the last one counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from index.records import Feedback
from index.store.store import Store
from ingest.records import Document
from ingest.text.words import occurrences
from qa.squad.dataset import Example, GoldAnswer

_ROOM = 600  # characters on either side of words whose paragraph was not stored


class Verdict(StrEnum):
    """The judgement of an answer."""

    RIGHT = "right"
    WRONG = "wrong"
    SPAN = "span"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """The text in which a verdict was given, and where its words begin in it; None for a verdict without."""

    title: str
    text: str
    start: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledParagraph:
    """All verdicts on one question in one paragraph, oldest first, and the label that follows from them.

    `answers` are right and `wrong` are wrong; with neither, `usable` tells whether "no answer" is right.
    """

    question: str
    paragraph: Paragraph
    feedback: tuple[Feedback, ...]
    answers: tuple[GoldAnswer, ...]
    wrong: tuple[GoldAnswer, ...]

    @property
    def usable(self) -> bool:
        """Whether it can be learnt from."""
        refusals = [item.verdict for item in self.feedback if item.quote is None]
        return bool(self.answers or self.wrong) or (bool(refusals) and refusals[-1] != Verdict.WRONG)


def verdict_on(
    question: str,
    verdict: Verdict,
    document: Document,
    start: int,
    end: int,
    *,
    paragraph: tuple[int, int],
    author: str = "",
    comment: str = "",
    details: Mapping[str, str] | None = None,
) -> Feedback:
    """A verdict on the words [start, end) of a document, seen in its `paragraph` [start, end).

    Raises ValueError for words that are none, or that do not lie in the paragraph.
    """
    first, last = min(paragraph[0], start), max(paragraph[1], end)
    if not 0 <= start < end <= len(document.text) or first < 0 or last > len(document.text):
        raise ValueError(f"[{start}, {end}) is no span of {document.path}")
    return Feedback(
        question=question.strip(),
        verdict=verdict.value,
        content_sha256=document.content_sha256,
        quote=document.text[start:end],
        start=start,
        author=author.strip(),
        comment=comment.strip(),
        created_ns=time.time_ns(),
        details={
            **(details or {}),
            "title": document.title,
            "paragraph": document.text[first:last],
            "paragraph_start": str(first),
        },
    )


def verdict_on_refusal(
    question: str,
    verdict: Verdict,
    *,
    nearest: Paragraph | None = None,
    author: str = "",
    comment: str = "",
) -> Feedback:
    """A verdict on "no answer in here"; `nearest` is the paragraph that came nearest to one."""
    details = {} if nearest is None else {"title": nearest.title, "paragraph": nearest.text}
    return Feedback(
        question=question.strip(),
        verdict=verdict.value,
        author=author.strip(),
        comment=comment.strip(),
        created_ns=time.time_ns(),
        details=details,
    )


def paragraph_of(feedback: Feedback, store: Store) -> Paragraph | None:
    """Where a verdict was given: as stored with it, else around its words in the document of today."""
    details, quote = feedback.details, feedback.quote
    text, title = details.get("paragraph"), details.get("title", "")
    if text is not None and quote is None:
        return Paragraph(title=title, text=text)
    if text is not None and quote is not None and feedback.start is not None:
        start = feedback.start - _number(details.get("paragraph_start"))
        if start >= 0 and text.startswith(quote, start):
            return Paragraph(title=title, text=text, start=start)
    if quote is None or feedback.content_sha256 is None:
        return None
    return _around(feedback.content_sha256, quote, feedback.start or 0, store)


def labelled_paragraphs(feedback: Iterable[Feedback], store: Store) -> list[LabelledParagraph]:
    """Verdicts grouped by question and paragraph, in the order in which the first of each was given."""
    groups: dict[tuple[str, str, str], list[tuple[Feedback, Paragraph]]] = {}
    for item in feedback:
        paragraph = paragraph_of(item, store)
        if paragraph is not None:
            key = (item.question, paragraph.title, paragraph.text)
            groups.setdefault(key, []).append((item, paragraph))
    return [_labelled(question, verdicts) for (question, _, _), verdicts in groups.items()]


def questions_of_collection(feedback: Iterable[Feedback]) -> list[Example]:
    """The questions whose right words in the whole collection are known, or that it holds none.

    A question with wrong answers only is left out, and so is one whose right words were all withdrawn. The
    last verdict on the same words counts.
    """
    answers: dict[str, dict[str, bool]] = {}
    none: dict[str, bool] = {}
    for item in sorted(feedback, key=lambda item: item.created_ns):
        right = item.verdict != Verdict.WRONG
        if item.quote is not None:
            answers.setdefault(item.question, {})[item.quote] = right
            if right:
                none[item.question] = False
        else:
            none[item.question] = right
            answers.setdefault(item.question, {})
    return [
        Example(
            id=f"question-{number}",
            question=question,
            context=question,
            title=question,
            answers=tuple(GoldAnswer(text=text, start=0) for text, right in quotes.items() if right),
        )
        for number, (question, quotes) in enumerate(answers.items(), start=1)
        if any(quotes.values()) or none.get(question, False)
    ]


def _labelled(question: str, verdicts: list[tuple[Feedback, Paragraph]]) -> LabelledParagraph:
    verdicts = sorted(verdicts, key=lambda item: item[0].created_ns)
    last: dict[tuple[str, int], bool] = {}
    for item, paragraph in verdicts:
        if item.quote is not None and paragraph.start is not None:
            last[item.quote, paragraph.start] = item.verdict != Verdict.WRONG
    return LabelledParagraph(
        question=question,
        paragraph=verdicts[0][1],
        feedback=tuple(item for item, _ in verdicts),
        answers=tuple(GoldAnswer(text=text, start=start) for (text, start), right in last.items() if right),
        wrong=tuple(GoldAnswer(text=text, start=start) for (text, start), right in last.items() if not right),
    )


def _around(content_sha256: str, quote: str, start: int, store: Store) -> Paragraph | None:
    """The text around words in the document of today, at the occurrence nearest to `start`."""
    document = store.document_of_content(content_sha256) if quote else None
    if document is None:
        return None
    starts = list(occurrences(document.text, quote))
    if not starts:
        return None
    nearest = min(starts, key=lambda position: abs(position - start))
    first, last = max(nearest - _ROOM, 0), min(nearest + len(quote) + _ROOM, len(document.text))
    return Paragraph(title=document.title, text=document.text[first:last], start=nearest - first)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0

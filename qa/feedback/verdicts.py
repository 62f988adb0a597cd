"""What people say of answers, and what follows from it for a question and a paragraph.

    right   these words answer the question; without words: "no answer in here" is right
    span    these words do, selected by a person
    wrong   these words do not; without words: there is an answer in here, somewhere

A verdict is kept as `index.records.Feedback`, anchored to the file and its words. The paragraph in which it
was given is kept with it (`details`), so that a labelled question stays whole when its document is cut up
anew, changes or goes. Where people disagree the last word counts, paragraph by paragraph.
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

_ROOM = 600  # characters on either side of words whose paragraph was not kept


class Verdict(StrEnum):
    """What was said."""

    RIGHT = "right"
    WRONG = "wrong"
    SPAN = "span"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """The text in which a verdict was given, and where its words begin in it; None: it is about no words."""

    title: str
    text: str
    start: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledParagraph:
    """All that was said of one question in one paragraph, oldest first, and what follows from it.

    `answers` are right, `wrong` were called wrong; neither: nothing follows, and `usable` is False.
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
    """Where a verdict was given: as kept with it, else around its words in the document of today."""
    details, quote = feedback.details, feedback.quote
    kept, title = details.get("paragraph"), details.get("title", "")
    if kept is not None and quote is None:
        return Paragraph(title=title, text=kept)
    if kept is not None and quote is not None and feedback.start is not None:
        place = feedback.start - _number(details.get("paragraph_start"))
        if place >= 0 and kept.startswith(quote, place):
            return Paragraph(title=title, text=kept, start=place)
    if quote is None or feedback.content_sha256 is None:
        return None
    return _around(feedback.content_sha256, quote, feedback.start or 0, store)


def labelled_paragraphs(feedback: Iterable[Feedback], store: Store) -> list[LabelledParagraph]:
    """Verdicts gathered by question and paragraph, in the order in which the first of each was given."""
    gathered: dict[tuple[str, str, str], list[tuple[Feedback, Paragraph]]] = {}
    for item in feedback:
        paragraph = paragraph_of(item, store)
        if paragraph is not None:
            key = (item.question, paragraph.title, paragraph.text)
            gathered.setdefault(key, []).append((item, paragraph))
    return [_settled(question, said) for (question, _, _), said in gathered.items()]


def asked_of_everything(feedback: Iterable[Feedback]) -> list[Example]:
    """What is known of each question over the whole collection: its right words, or that there are none.

    A question of which only wrong answers are known is left out, and so is one whose words were all taken
    back. The last word on the same words counts.
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
            answers=tuple(GoldAnswer(text=text, start=0) for text, right in said.items() if right),
        )
        for number, (question, said) in enumerate(answers.items(), start=1)
        if any(said.values()) or none.get(question, False)
    ]


def _settled(question: str, said: list[tuple[Feedback, Paragraph]]) -> LabelledParagraph:
    said = sorted(said, key=lambda item: item[0].created_ns)
    last: dict[tuple[str, int], bool] = {}
    for item, paragraph in said:
        if item.quote is not None and paragraph.start is not None:
            last[item.quote, paragraph.start] = item.verdict != Verdict.WRONG
    return LabelledParagraph(
        question=question,
        paragraph=said[0][1],
        feedback=tuple(item for item, _ in said),
        answers=tuple(GoldAnswer(text=text, start=start) for (text, start), right in last.items() if right),
        wrong=tuple(GoldAnswer(text=text, start=start) for (text, start), right in last.items() if not right),
    )


def _around(content_sha256: str, quote: str, start: int, store: Store) -> Paragraph | None:
    """Words in the document as it is parsed today, those of them nearest to where they stood."""
    document = store.document_of_content(content_sha256) if quote else None
    if document is None:
        return None
    places = list(occurrences(document.text, quote))
    if not places:
        return None
    place = min(places, key=lambda found: abs(found - start))
    first, last = max(place - _ROOM, 0), min(place + len(quote) + _ROOM, len(document.text))
    return Paragraph(title=document.title, text=document.text[first:last], start=place - first)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0

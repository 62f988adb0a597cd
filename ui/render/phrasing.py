"""How results are put into words, for the terminal and the page alike.

Pure functions from records to short texts and marked segments. They know nothing of HTML, terminals or
widgets: formatted by `terminal` and by the page's `fragments`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from qa.records import Answer, AskResult, Reason
from ui.render.messages import ENGLISH, Say, lines

if TYPE_CHECKING:
    from qa.explanation.records import Evidence, TokenWeight

_LEVELS = ((0.85, "sure"), (0.6, "likely"), (0.35, "uncertain"), (0.0, "doubtful"))
_LONGEST_PART = 100  # characters of a title or a heading in a line of them
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a text, and whether it is the answer."""

    text: str
    marked: bool


def segments(text: str, start: int, end: int) -> tuple[Segment, ...]:
    """`text` cut at the span [start, end); the pieces joined give `text` again, empty ones are left out.

    Offsets outside the text are cut to it.

    >>> [piece.text for piece in segments("to be or not to be", 13, 18)]
    ['to be or not ', 'to be']
    """
    start = min(max(start, 0), len(text))
    end = min(max(end, start), len(text))
    pieces = ((text[:start], False), (text[start:end], True), (text[end:], False))
    return tuple(Segment(text=piece, marked=marked) for piece, marked in pieces if piece)


def passage_segments(answer: Answer) -> tuple[Segment, ...]:
    """The answer's passage with the answer marked at its own offsets."""
    offset = answer.passage.start
    return segments(answer.passage.text, answer.start - offset, answer.end - offset)


def sentence_segments(answer: Answer) -> tuple[Segment, ...]:
    """The answer's sentence with the answer marked; unmarked where the sentence is not found around it.

    The same sentence may stand twice in a passage: the occurrence that encloses the span counts.
    """
    passage, sentence = answer.passage.text, answer.sentence
    start, end = answer.start - answer.passage.start, answer.end - answer.passage.start
    offset = passage.find(sentence) if sentence else -1
    while offset >= 0:
        if offset <= start and end <= offset + len(sentence):
            return segments(sentence, start - offset, end - offset)
        offset = passage.find(sentence, offset + 1)
    return (Segment(text=sentence or answer.text, marked=not sentence),)


def confidence_words(confidence: float, say: Say = ENGLISH) -> str:
    """A probability in words.

    >>> confidence_words(0.9)
    'very likely right'
    """
    level = next(name for least, name in _LEVELS if confidence >= least or least == 0.0)
    return say(f"confidence.{level}")


def confidence_line(confidence: float, say: Say = ENGLISH) -> str:
    """A probability in words and as a number, as a line of its own.

    >>> confidence_line(0.9)
    'Very likely right, 90 %'
    """
    line = say("confidence.line", words=confidence_words(confidence, say), percent=percent(confidence))
    return f"{line[0].upper()}{line[1:]}"


def agreement(agreeing: int, differing: int, say: Say = ENGLISH) -> str:
    """How many documents say an answer and how many say another.

    >>> agreement(3, 1)
    '3 documents say this, 1 says otherwise'
    """
    documents = say.count("document", agreeing)
    line = say("answer.agree_one" if agreeing == 1 else "answer.agree", documents=documents)
    if not differing:
        return line
    return say("answer.differ_one" if differing == 1 else "answer.differ", agree=line, others=differing)


def headline(answer: Answer, say: Say = ENGLISH) -> str:
    """The words of an answer, after yes or no where the question asks for that and they settle it."""
    if answer.verdict is None:
        return answer.text
    return say("answer.verdict", verdict=say(f"answer.{answer.verdict}"), text=answer.text)


def cell(answer: Answer, say: Say = ENGLISH) -> str:
    """The row and column of a table in which an answer stands, empty outside of tables."""
    return "" if answer.cell is None else say("answer.cell", row=answer.cell.row, column=answer.cell.column)


def holds_answer(closest: Answer, say: Say = ENGLISH) -> str:
    """How likely the closest sentence is to hold the answer."""
    return say("answer.holds", percent=percent(closest.confidence))


def percent(share: float) -> str:
    """A share as a whole percentage that never claims certainty."""
    return f"{min(max(round(share * 100), 1), 99)} %"


def strongest(weighed: Sequence[TokenWeight], number: int) -> tuple[TokenWeight, ...]:
    """The words that weigh most for or against, strongest first; punctuation is left out."""
    worded = [word for word in weighed if any(char.isalnum() for char in word.text)]
    return tuple(sorted(worded, key=lambda word: -abs(word.weight))[:number])


def retrieval(evidence: Evidence) -> str:
    """Why a passage was read, in one line."""
    scores = [f"rank {evidence.rank}", f"score {evidence.score:.3f}"]
    scores += [] if evidence.dense_score is None else [f"meaning {evidence.dense_score:.2f}"]
    scores += [] if evidence.lexical_score is None else [f"words {evidence.lexical_score:.1f}"]
    return ", ".join([*scores, f"{100 * evidence.coverage:.0f} % of the question's words"])


def place(title: str, headings: Sequence[str], page: int | None, say: Say = ENGLISH) -> str:
    """Where something stands: title, heading path and page in one line.

    >>> place("Handbook", ("Handbook", "Masking"), 3)
    'Handbook › Masking · page\\xa03'
    """
    path = [heading.strip() for heading in headings]
    if not path or not same_title(title, path[0]):
        path.insert(0, title)
    words = " › ".join(_short(part) for part in path if part)
    return words if page is None else f"{words} · {say('place.page', page=page)}"


def language_name(code: str, say: Say = ENGLISH) -> str:
    """A language by its name, by its code where there is none for it.

    >>> language_name("de"), language_name("xx")
    ('German', 'xx')
    """
    return say(f"language.{code}") if f"language.{code}" in lines(say.language) else code


def same_title(title: str, heading: str) -> bool:
    """Whether a heading is the title of its document; a very long title is cut when it is stored.

    >>> same_title("Handbook", "handbook "), same_title("Hand", "Handbook")
    (True, False)
    """
    title, heading = title.strip().casefold(), heading.strip().casefold()
    return title == heading or (len(title) > _LONGEST_PART and heading.startswith(title))


def _short(part: str) -> str:
    return part if len(part) <= _LONGEST_PART else f"{part[:_LONGEST_PART].rstrip()}…"


def sentence(message: str) -> str:
    """An error's message as a sentence of the page: it begins with a capital, unless a name begins it.

    >>> sentence("there is no folder x"), sentence("x.json is not JSON")
    ('There is no folder x', 'x.json is not JSON')
    """
    first = message.partition(" ")[0]
    return f"{message[0].upper()}{message[1:]}" if first.isalpha() and first.islower() else message


def no_answer_head(result: AskResult, say: Say = ENGLISH) -> str:
    """That a question has no sure answer, in the fewest words that are true."""
    if result.candidates:
        return say("answer.probable")
    if result.closest is not None:
        return say("answer.closest")
    match result.reason:
        case Reason.EMPTY_STORE | Reason.EMPTY_QUESTION:
            return say("none.nothing")
        case Reason.UNSUPPORTED_LANGUAGE:
            return say("none.language")
        case Reason.MODEL_FAILURE:
            return say("none.failure")
        case Reason.NO_PASSAGES | Reason.BELOW_THRESHOLD | None:
            return say("none.none")
        case _:
            assert_never(result.reason)


def no_answer_reason(result: AskResult, say: Say = ENGLISH) -> str:
    """Why a question has no answer, as one sentence."""
    match result.reason:
        case Reason.EMPTY_STORE:
            return say("none.empty_store")
        case Reason.EMPTY_QUESTION:
            return say("none.empty_question")
        case Reason.NO_PASSAGES:
            return say("none.no_passages")
        case Reason.BELOW_THRESHOLD | None:
            passages = say.count("nearest", len(result.passages))
            return say("none.below", passages=passages, percent=percent(result.confidence))
        case Reason.UNSUPPORTED_LANGUAGE:
            return say("none.unsupported")
        case Reason.MODEL_FAILURE:
            return say("none.failed")
        case _:
            assert_never(result.reason)


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural where due.

    >>> count(1, "document"), count(1200, "passage")
    ('1 document', '1,200 passages')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def byte_size(size: int) -> str:
    """A number of bytes for people.

    >>> byte_size(1536)
    '1.5 KB'
    """
    power = min((max(size, 1).bit_length() - 1) // 10, len(_UNITS) - 1)
    return f"{size / 1024**power:,.{1 if power else 0}f} {_UNITS[power]}"

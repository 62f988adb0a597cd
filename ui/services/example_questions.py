"""Questions to try, made from the documents of the collection and shown only if it answers them.

Candidates are questions in the documents themselves (as in lists of frequent ones), and sentences of a few
plain forms turned into questions: "The league was founded in 1871" asks "When was the league founded?". They
are English; a reader without English offers none. The demo collection has questions of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import zip_longest

from ingest.text.sentences import sentences
from ui.services.demo import example_questions
from ui.services.library import Contents, Library

_SHOWN = 4
_TRIED = 12
_DOCUMENTS = 40
_LOOKED_AT = 5  # for one in English, at each of as many places
_CHARACTERS = 12_000  # of a document, from its beginning, where subjects are introduced
_OF_EACH = 6
_ASKED = re.compile(r"^(?:who|what|when|where|which|how|why)\b[^?\n]{8,85}\?$", re.IGNORECASE)
_NAME = r"[A-Z0-9][\w'’-]*(?: (?:of |the |and )?[A-Z0-9][\w'’-]*){0,4}"
_SUBJECT = rf"(?P<subject>(?:The |the )?{_NAME})"
_THING = rf"(?P<subject>(?:The |the )?{_NAME}|The [\w'’-]+(?: [\w'’-]+){{0,2}})"
_MADE = "founded|introduced|published|released|created|invented|discovered|designed|developed|proposed"
_WHEN = re.compile(
    rf"^{_THING} was (?:first )?(?P<verb>{_MADE}|built|opened|completed|established|adopted|born) "
    r"(?:\w+ ){0,3}?in (?:\w+ )?\d{4}\b"
)
_WHO = re.compile(rf"^{_THING} was (?:first )?(?P<verb>{_MADE}) (?:\w+ ){{0,4}}?by [A-Z]")
_SHORT = re.compile(rf"^{_SUBJECT} stands for ")
_PART = re.compile(rf"^(?P<subject>The [a-z-]+ of {_NAME}) (?P<verb>is) [\w\"']")
_WHAT = re.compile(rf"^{_SUBJECT} (?P<verb>is|are) (?:an?|the) [a-z]")
_POINTING = frozenset(
    "it its this that these those he she his her they their we our us you your there here i my as all one "
    "each such other following above below".split()
)
_OWN = frozenset("i my you your".split())  # of a reader who asks


def candidates(text: str, language: str = "en") -> list[str]:
    """Questions that the text may answer, the most telling first.

    >>> candidates("Word2vec was published in 2013. Seals swim.")
    ['When was Word2vec published?']
    """
    ranked: list[tuple[int, str]] = []
    lines = (line.strip(" #*-\t") for line in text.splitlines())
    ranked += [(0, line) for line in lines if _ASKED.match(line) and _stands_alone(line, _OWN)]
    for span in sentences(text, language):
        sentence = " ".join(text[span.start : span.end].split())
        for rank, (form, question) in enumerate(_FORMS, start=1):
            match = form.match(sentence)
            if match and _stands_alone(match["subject"]):
                ranked.append((rank, question(match)))
                break
    ordered = sorted(dict.fromkeys(ranked), key=lambda item: item[0])
    return list(dict.fromkeys(question for _, question in ordered))[:_OF_EACH]


def verified(
    library: Library, contents: Contents, *, pause: Callable[[], object] = lambda: None
) -> tuple[str, ...]:
    """Questions that this collection answers, looked for once for each revision.

    `pause` is called before each is tried, and may end the search by an exception.
    """
    key = (contents.revision, library.answerer.reader.fingerprint)
    if library.examples is None or library.examples[0] != key:
        demo = example_questions(contents.folders)
        library.examples = (key, demo or tuple(_verified(library, contents, pause)))
    return library.examples[1]


def _verified(library: Library, contents: Contents, pause: Callable[[], object]) -> Iterator[str]:
    shown = 0
    for number, question in enumerate(_proposed(library, contents.stats.documents)):
        pause()
        if number >= _TRIED or shown >= _SHOWN:
            return
        if library.answerer.ask(question, k=8, answers=1).answered:
            shown += 1
            yield question


def _proposed(library: Library, documents: int) -> Iterator[str]:
    """Candidates of documents from all over the collection: the best one of each, then the others."""
    step = max(1, documents // _DOCUMENTS)
    stretches = (library.store.documents(offset=n * step, limit=_LOOKED_AT) for n in range(_DOCUMENTS))
    english = (
        next((document for document in stretch if document.language in ("en", "und")), None)
        for stretch in stretches
    )
    seen: set[str] = set()
    others: list[list[str]] = []
    for key in dict.fromkeys(document.id for document in english if document is not None):
        proposed = candidates(library.store.document(key).text[:_CHARACTERS])
        fresh = [question for question in proposed if question not in seen]
        seen.update(fresh)
        yield from fresh[:1]
        others.append(fresh[1:])
    for row in zip_longest(*others):
        yield from (question for question in row if question)


def _stands_alone(text: str, beside: frozenset[str] = frozenset()) -> bool:
    """Whether a text means the same out of its context: no pointing word in it, but for those of `beside`."""
    return (_POINTING - beside).isdisjoint(word.strip("?.,;:'\"").casefold() for word in text.split())


def _when(match: re.Match[str]) -> str:
    return f"When was {_subject(match)} {match['verb']}?"


def _who(match: re.Match[str]) -> str:
    return f"Who {match['verb']} {_subject(match)}?"


def _what(match: re.Match[str]) -> str:
    return f"What {match['verb']} {_subject(match)}?"


def _subject(match: re.Match[str]) -> str:
    subject = match["subject"]
    return f"the {subject[4:]}" if subject.startswith("The ") else subject


def _short(match: re.Match[str]) -> str:
    return f"What does {_subject(match)} stand for?"


_FORMS = ((_WHEN, _when), (_WHO, _who), (_SHORT, _short), (_PART, _what), (_WHAT, _what))

"""Evidence that does not need the reader: words of the question in a passage, and the question's form.

A fluent span in a passage that never mentions the subject is the most frequent confident error ("When did the
Titanic sink?" answered from a ship's log). Pure.
"""

from __future__ import annotations

import re

from index.lexical import analysis
from index.records import Hit

_PLURAL = r"(?!(?:is|was|has|does|this|its|his|us|as|\w+ss|\w+us|\w+is)\b)\w{2,}s"
_IRREGULAR = "people|men|women|children|countries|cities|species|series|criteria|phenomena|data"
_SEVERAL = re.compile(
    rf"""^\W*(?:
        (?:which|what)\s+(?:(?!of\b)\w+\s+){{0,2}}(?:{_PLURAL}|{_IRREGULAR})\s+
            (?:are|were|have|had|do|did|can|could|may|must|should|will|would|make|belong|use|take|\w+ed)\b
      | (?:who|what|which)\s+(?:are|were)\s+(?:the\s+)?(?:\w+\s+){{0,3}}?(?:{_PLURAL}|{_IRREGULAR})\b
      | (?:name|list|give|enumerate)\s+(?:me\s+)?(?:all|some|the|three|two|four|five|several)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def coverage(question: str, hit: Hit) -> float:
    """Share of the question's content words that the passage, its headings or its title hold, 0 to 1.

    Words are compared as stems of the document's language; 0.0 for a question of function words alone.
    """
    language = hit.document.language
    content = [word for word in analysis.words(question) if word not in analysis.ENGLISH_FUNCTION_WORDS]
    wanted = set(analysis.terms(" ".join(content), language))
    if not wanted:
        return 0.0
    shown = " ".join((hit.document.title, *hit.passage.headings, hit.passage.text))
    return len(wanted & set(analysis.terms(shown, language))) / len(wanted)


def asks_for_several(question: str) -> bool:
    """Whether the question wants a list, by its form: then the items ("France", "Spain") can all be right.

    English only; a question of any other form or language is taken to ask for one thing.

    >>> asks_for_several("Which countries are members?"), asks_for_several("Which country is a member?")
    (True, False)
    >>> asks_for_several("Who were the founders of the club?"), asks_for_several("What is physics?")
    (True, False)
    """
    return _SEVERAL.match(question) is not None

"""Evidence that does not need the reader: words of the question in a passage.

A fluent span in a passage that never mentions the subject is the most frequent confident error ("When did the
Titanic sink?" answered from a ship's log). Pure.
"""

from __future__ import annotations

from index.lexical import analysis
from index.records import Hit


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

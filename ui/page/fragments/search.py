"""Passages that were found, as HTML (pure, no streamlit).

As in `base`, text from documents and questions gets in through `escape` only.
"""

from __future__ import annotations

from collections.abc import Iterable

from index.records import Hit, SearchResult
from ui.page.fragments.base import escape, marked, note, source
from ui.render.highlight import highlighted
from ui.render.messages import Say


def hit_list(hits: Iterable[Hit], query: str, say: Say) -> str:
    """Passages in their order, the words of the query marked, each with its source and scores."""
    return f'<ol class="sw-list sw-hits">{"".join(_item(hit, query, say) for hit in hits)}</ol>'


def hit(found: Hit, query: str, say: Say) -> str:
    """One passage, the words of the query marked, with its source and scores."""
    passage, document = found.passage, found.document
    text = marked(highlighted(passage.text, query, document.language))
    return (
        f"{source(document.title, passage.headings, passage.page, document.path, say)}"
        f'<div class="sw-text" dir="auto">{text}</div><p class="sw-note">{_scores(found, say)}</p>'
    )


def numbered_hit(found: Hit, query: str, say: Say) -> str:
    """One passage with its rank."""
    number = f'<span class="sw-number">{found.rank}</span>'
    return f'<article class="sw-hit">{number}{hit(found, query, say)}</article>'


def search_note(result: SearchResult, say: Say) -> str:
    """What is to be said about a whole search."""
    if not result.hits:
        return note(say("none.no_passages"))
    documents = say.count("document", len({found.document.id for found in result.hits}))
    passages = say.count("passage", len(result.hits))
    ms = f"{result.timings_ms.get('total', 0.0):,.0f}"
    told = note(say("search.found", passages=passages, documents=documents, ms=ms))
    return note(say("search.unsupported")) + told if result.unsupported_language else told


def _item(found: Hit, query: str, say: Say) -> str:
    return f'<li value="{found.rank}">{hit(found, query, say)}</li>'


def _scores(found: Hit, say: Say) -> str:
    scores = [say("search.score", score=f"{found.score:.3f}")]
    if found.dense_score is not None:
        scores.append(say("search.dense", score=f"{found.dense_score:.2f}"))
    if found.lexical_score is not None:
        scores.append(say("search.lexical", score=f"{found.lexical_score:.1f}"))
    return escape(" · ".join(scores))

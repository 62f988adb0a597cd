"""Passages of a search as HTML (pure, no streamlit).

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


def passage_card(hit: Hit, query: str, say: Say) -> str:
    """One passage, the words of the query marked, with its source and scores."""
    passage, document = hit.passage, hit.document
    text = marked(highlighted(passage.text, query, document.language))
    return (
        f"{source(document.title, passage.headings, passage.page, document.path, say)}"
        f'<div class="sw-text" dir="auto">{text}</div><p class="sw-note">{_scores(hit, say)}</p>'
    )


def numbered_hit(hit: Hit, query: str, say: Say) -> str:
    """One passage with its rank."""
    number = f'<span class="sw-number">{hit.rank}</span>'
    return f'<article class="sw-hit">{number}{passage_card(hit, query, say)}</article>'


def search_note(result: SearchResult, say: Say) -> str:
    """How many passages there are and how long the search took."""
    if not result.hits:
        return note(say("none.no_passages"))
    documents = say.count("document", len({hit.document.id for hit in result.hits}))
    passages = say.count("passage", len(result.hits))
    ms = f"{result.timings_ms.get('total', 0.0):,.0f}"
    line = note(say("search.found", passages=passages, documents=documents, ms=ms))
    return note(say("search.unsupported")) + line if result.unsupported_language else line


def _item(hit: Hit, query: str, say: Say) -> str:
    return f'<li value="{hit.rank}">{passage_card(hit, query, say)}</li>'


def _scores(hit: Hit, say: Say) -> str:
    scores = [say("search.score", score=f"{hit.score:.3f}")]
    if hit.dense_score is not None:
        scores.append(say("search.dense", score=f"{hit.dense_score:.2f}"))
    if hit.lexical_score is not None:
        scores.append(say("search.lexical", score=f"{hit.lexical_score:.1f}"))
    return escape(" · ".join(scores))

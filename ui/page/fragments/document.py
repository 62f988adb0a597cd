"""A document as HTML: headings, paragraphs, pages, and marked words (pure, no streamlit).

As in `base`, text from documents gets in through `escape` only.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.records import Document, Span
from ui.page.fragments.base import escape
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.document_view import Block, blocks


def document_head(document: Document, headings: Sequence[str], say: Say) -> str:
    """The title of a document, the headings above the place shown, and the path of its file."""
    path = " › ".join(heading for heading in headings if not phrasing.same_title(document.title, heading))
    under = f'<p class="sw-note" dir="auto">{escape(path)}</p>' if path else ""
    return (
        f'<header class="sw-document-head"><h1 dir="auto">{escape(document.title)}</h1>{under}'
        f'<p class="sw-path">{escape(document.path)}</p></header>'
    )


def document_text(document: Document, part: Span, here: Span, others: Sequence[Span], say: Say) -> str:
    """A part of the text, `here` marked strongly and the `others` lightly."""
    marks = sorted(
        {(span.start, span.end) for span in others if not _touch(span, here)} | {(here.start, here.end)}
    )
    shown = "".join(_block(document, block, marks, here, say) for block in blocks(document, part))
    return f'<div class="sw-document" dir="auto" tabindex="0" role="document">{shown}</div>'


def _block(document: Document, block: Block, marks: Sequence[tuple[int, int]], here: Span, say: Say) -> str:
    rule = ""
    if block.page is not None:
        rule = f'<p class="sw-page-rule">{escape(say("place.page", page=block.page))}</p>'
    text = _marked(document.text, block, marks, here)
    if block.level:
        tag = f"h{min(block.level + 1, 6)}"
        return f"{rule}<{tag}>{text}</{tag}>"
    return f'{rule}<p class="sw-text">{text}</p>'


def _marked(text: str, block: Block, marks: Sequence[tuple[int, int]], here: Span) -> str:
    start, end = block.start, block.end
    while end > start and text[end - 1].isspace():
        end -= 1
    pieces, place = [], start
    for first, last in marks:
        first, last_shown = max(first, place), min(last, end)
        if first >= last_shown:
            continue
        kind = "sw-here" if here.start <= first < here.end else "sw-also-here"
        pieces.append(escape(text[place:first]))
        pieces.append(f'<mark class="{kind}">{escape(text[first:last_shown])}</mark>')
        place = last_shown
    pieces.append(escape(text[place:end]))
    return "".join(pieces)


def _touch(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end

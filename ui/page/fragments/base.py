"""What the page shows, as HTML (pure, no streamlit): what all tabs share.

Every function takes records and returns a fragment for `st.html`. Text from documents, questions and file
names gets into a fragment only through `escape`; only modules of this folder build HTML. The classes are
styled in `ui/page/static/style.css`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from ui.render import phrasing
from ui.render.messages import ENGLISH, Say

_LONGEST_PATH = 60
_PARTS_SHOWN = 3
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&\"'/@])")
_LONGEST_LABEL = 200


def escape(text: str) -> str:
    """Text as HTML that shows it and nothing else."""
    return html.escape(text, quote=True)


def plain_label(text: str) -> str:
    """`text` for the label of a button or link, which is Markdown: on one line, cut where it is very long.

    >>> plain_label("*a*  :red[b]")
    '\\\\*a\\\\* \\\\:red\\\\[b\\\\]'
    """
    line = " ".join(text.split())
    line = line if len(line) <= _LONGEST_LABEL else f"{line[:_LONGEST_LABEL]}…"
    return _MARKDOWN.sub(r"\\\1", line)


def marked(segments: Iterable[phrasing.Segment]) -> str:
    """Pieces of a text, the marked ones marked."""
    return "".join(
        f"<mark>{escape(segment.text)}</mark>" if segment.marked else escape(segment.text)
        for segment in segments
    )


def source(title: str, headings: Sequence[str], page: int | None, path: str, say: Say) -> str:
    """Title, headings and page of a source, and the path of its file."""
    return (
        f'<p class="sw-source" dir="auto">{escape(phrasing.place(title, headings, page, say))}</p>'
        f'<p class="sw-path" title="{escape(path)}">{escape(short_path(path))}</p>'
    )


def lead(head: str, text: str, remark: str = "") -> str:
    """The head of a tab: a few large words and a sentence."""
    return (
        f'<section class="sw-welcome"><p class="sw-lead">{escape(head)}</p><p>{escape(text)}</p>'
        f"{note(remark) if remark else ''}</section>"
    )


def head(text: str) -> str:
    """A heading within a tab."""
    return f'<h2 class="sw-head">{escape(text)}</h2>'


def wordmark(say: Say) -> str:
    """The name of the product; `focus.js` takes the language of the page from it, for screen readers."""
    return f'<p class="sw-name" lang="{say.language}">Spanwise</p>'


def note(text: str) -> str:
    """A remark beside the results."""
    return f'<p class="sw-note">{escape(text)}</p>'


def status(text: str) -> str:
    """What has just been done; screen readers read it aloud."""
    return f'<p class="sw-note" role="status">{escape(text)}</p>'


def failure(message: str, hint: str, say: Say = ENGLISH) -> str:
    """An error that the user can do something about, with a hint."""
    return (
        f'<article class="sw-card" role="alert"><p class="sw-kicker">{say("frame.failed")}</p>'
        f'<p class="sw-reason">{escape(phrasing.sentence(message))}</p>'
        f'<p class="sw-note">{escape(phrasing.sentence(hint))}</p></article>'
    )


def short_path(path: str) -> str:
    """The end of a long path; the whole one is its title."""
    parts = path.rsplit("/", _PARTS_SHOWN)
    return path if len(path) <= _LONGEST_PATH or len(parts) <= _PARTS_SHOWN else f"…/{'/'.join(parts[1:])}"

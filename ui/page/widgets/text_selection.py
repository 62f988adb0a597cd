"""A text in which words are selected with the mouse: one component of our own (no streamlit here).

Streamlit cannot tell what is selected in a text. The script below draws the text with `textContent`, so that
nothing in it is ever markup, marks one span, scrolls to it, and tells which characters somebody has selected.
Nothing is fetched from anywhere.

A browser counts UTF-16 units, Python counts code points: they differ after every emoji. The script counts
code points before it tells, and `selected_span` checks that the words at these offsets are those selected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NAME = "spanwise_selecting"

HTML = (
    '<div class="sw-selecting" tabindex="0" role="textbox" aria-readonly="true" aria-multiline="true"></div>'
)

CSS = """
.sw-selecting { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.6; max-height: 26rem;
  overflow-y: auto; padding: .8rem 1rem; border: 1px solid var(--st-border-color, #ccc); border-radius: 8px;
  font-family: "Source Serif", "Source Serif 4", Georgia, serif; font-size: 1.05rem; cursor: text;
  color: var(--st-text-color, inherit); background: var(--st-secondary-background-color, transparent); }
.sw-selecting:focus-visible { outline: 2px solid var(--st-primary-color, #0b6b5d); outline-offset: 2px; }
.sw-selecting mark { background: color-mix(in srgb, #f0b429 42%, transparent); color: inherit;
  font-weight: 600; border-radius: 3px; }
.sw-selecting ::selection { background: color-mix(in srgb, #2e7fd6 45%, transparent); }
"""

JS = """
const points = (text) => { let count = 0; for (const _ of text) count += 1; return count; };

const before = (box, node, offset) => {
  const range = document.createRange();
  range.setStart(box, 0);
  range.setEnd(node, offset);
  return range.toString();
};

const selectionIn = (box) => {
  const selection = document.getSelection();
  if (!selection || !selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  return box.contains(range.startContainer) && box.contains(range.endContainer) ? range : null;
};

export default function ({ parentElement, data, setStateValue }) {
  const box = parentElement.querySelector('.sw-selecting');
  const state = JSON.stringify([data.id, data.start, data.end]);
  box.setAttribute('aria-label', data.label);
  if (box.dataset.state !== state) {
    box.dataset.state = state;
    box.textContent = '';
    const characters = Array.from(data.text);
    const piece = (from, to) => characters.slice(from, to).join('');
    box.append(document.createTextNode(piece(0, data.start)));
    if (data.end > data.start) {
      const mark = document.createElement('mark');
      mark.textContent = piece(data.start, data.end);
      box.append(mark);
      const place = mark.offsetTop - box.offsetTop - box.clientHeight / 3;
      box.scrollTop = Math.max(place, 0);
    }
    box.append(document.createTextNode(piece(data.end, characters.length)));
  }
  const tell = () => {
    const range = selectionIn(box);
    if (!range) return;
    const start = points(before(box, range.startContainer, range.startOffset));
    const text = range.toString();
    setStateValue('selection', { id: data.id, start, end: start + points(text), text });
  };
  box.addEventListener('mouseup', tell);
  box.addEventListener('touchend', tell);
  box.addEventListener('keyup', tell);
  return () => {
    box.removeEventListener('mouseup', tell);
    box.removeEventListener('touchend', tell);
    box.removeEventListener('keyup', tell);
  };
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The part of a document that is shown: `text` begins at `offset` of it."""

    text: str
    offset: int


def stretch(text: str, start: int, end: int, *, room: int) -> Stretch:
    """The span [start, end) of a document with `room` characters on either side, cut at line ends if near."""
    first, last = max(start - room, 0), min(end + room, len(text))
    if first > 0 and (found := text.find("\n", first, min(first + 200, start))) >= 0:
        first = found + 1
    if last < len(text) and (found := text.rfind("\n", max(last - 200, end), last)) >= 0:
        last = found
    return Stretch(text=text[first:last], offset=first)


def selected_span(selection: Mapping[str, object] | None, shown: str, text: str) -> tuple[int, int] | None:
    """The half-open span of `text` that a browser has told, spaces at its ends left out; None for none.

    `shown` is the id of the text on the screen: what was selected in another one is old. What a browser tells
    is not trusted: the words must stand at the offsets.
    """
    if not selection or selection.get("id") != shown:
        return None
    start, end, words = selection.get("start"), selection.get("end"), selection.get("text")
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(words, str)):
        return None
    if not 0 <= start < end <= len(text) or text[start:end] != words:
        return None
    kept = words.strip()
    if not kept:
        return None
    first = start + words.index(kept)
    return first, first + len(kept)


def occurrences(text: str, words: str) -> Iterator[int]:
    """Where words that were typed stand in a text, for those who use no mouse."""
    found = text.find(words) if words else -1
    while found >= 0:
        yield found
        found = text.find(words, found + 1)

"""Finds the quotation of earlier messages at the end of an e-mail.

Only a tail is left out: quoted lines at the end with no text of the writer after them, under a line that
introduces them ("On Monday, Ada wrote:"), or the whole message that Outlook appends. A quotation that the
writer chose to put there, from a lease or a law, has no such line and stays. Quoted lines also stay where
answers are written between them, because the answers would mean nothing alone; where the message has no text
of its own; and where it is forwarded, because the quotation is its content.
"""

from __future__ import annotations

import re

from ingest.parsers.common.html_blocks import Element, text_of

_QUOTED = re.compile(r"\s{0,3}>")
_WROTE = re.compile(
    r"""
    .{0,200}\b(?: wrote | writes | schrieb | a\ écrit | escribió | ha\ scritto | escreveu | schreef | skrev
      | napisał\(?a?\)? | пишет | написал\(?а?\)? )\b[^:]{0,100}:\s*$
    | .{0,200}(?: 写道 | のメッセージ | さんは書きました )\s*[:：]\s*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ORIGINAL = re.compile(
    r"""
    \s*(?: -{3,}\s*(?: original\ message | ursprüngliche\ nachricht | message\ d'origine | mensaje\ original
      | messaggio\ originale | исходное\ сообщение | 原始邮件 )\s*-{3,} | _{20,} )\s*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_FORWARDED = re.compile(r"\s*(-{3,}\s*forwarded|begin forwarded|weitergeleitete nachricht)", re.IGNORECASE)
_HEADER = re.compile(r"\s*(from|von|de|da|from|от|发件人|van|od)\s*[:：]", re.IGNORECASE)
_WORDS = re.compile(r"\w+")
_LEAST_WORDS = 2
_CLASSES = frozenset(
    ("gmail_quote", "gmail_quote_container", "yahoo_quoted", "moz-cite-prefix", "protonmail_quote")
)
_IDS = frozenset(("divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container"))


def without_quoted_tail(text: str, *, is_reply: bool) -> str:
    """The letter without the quotation that ends it; the same text where there is none, or nothing else.

    In a letter that answers none, the line that introduces a quotation must name a day or an address.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if any(_FORWARDED.match(line) for line in lines):
        return text
    end = _original(lines)
    kept = lines[: _quoted_from(lines[:end], is_reply=is_reply)]
    if len(_WORDS.findall(" ".join(line for line in kept if not _QUOTED.match(line)))) < _LEAST_WORDS:
        return text
    return "\n".join(kept).rstrip()


def _original(lines: list[str]) -> int:
    """Where the message begins that stands below a letter, with the names of its sender and reader."""
    for number, line in enumerate(lines):
        below = [line for line in lines[number + 1 : number + 4] if line.strip()]
        if _ORIGINAL.match(line) and below and _HEADER.match(below[0]):
            return number
    return len(lines)


def _quoted_from(lines: list[str], *, is_reply: bool) -> int:
    """Where the line or two begin that introduce quoted lines which nothing follows; else the end."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    start = end
    while start and (_QUOTED.match(lines[start - 1]) or not lines[start - 1].strip()):
        start -= 1
    if not any(_QUOTED.match(line) for line in lines[start:end]):
        return end
    if any(_QUOTED.match(line) for line in lines[:start]):
        return end  # answered in between
    while start and not lines[start - 1].strip():
        start -= 1
    for number in (1, 2):
        if start >= number and _introduces(" ".join(lines[start - number : start]), is_reply=is_reply):
            return start - number
    return end


def _introduces(line: str, *, is_reply: bool) -> bool:
    """Whether a line says who wrote what follows in an earlier letter."""
    return bool(_WROTE.match(line)) and (is_reply or any(c.isdigit() for c in line) or "@" in line)


def drop_quotes(root: Element, *, is_reply: bool) -> int:
    """Takes what mail programs mark as quotation out of an HTML letter that says something of its own.

    Returns how many words it took out.
    """
    words = _count(root)
    marked = [element for element in root.iter() if isinstance(element.tag, str) and _is_quotation(element)]
    outer = [element for element in marked if not any(above in marked for above in element.iterancestors())]
    own = _count(root) - sum(map(_count, outer))
    if own < _LEAST_WORDS or any(_FORWARDED.match(text_of(e).strip()) for e in outer):
        return 0
    for element in outer:
        parent = element.getparent()
        # Text behind a quotation answers it.
        if parent is not None and not _says_more(element) and _is_introduced(element, is_reply=is_reply):
            parent.remove(element)
    return words - _count(root)


def _is_introduced(element: Element, *, is_reply: bool) -> bool:
    """Whether a quotation is of an earlier letter: only mail programs hang one below an answer."""
    if is_reply or element.tag != "blockquote":
        return True
    before = element.getprevious()
    above = element.getparent()
    parts = (text_of(before), before.tail or "") if before is not None else ()
    line = " ".join(("" if above is None else above.text or "", *parts))
    return _introduces(" ".join(line.split())[-300:], is_reply=False)


def _is_quotation(element: Element) -> bool:
    if element.tag == "blockquote":
        return (element.get("type") or "").lower() == "cite"
    classes = set((element.get("class") or "").split())
    return bool(classes & _CLASSES) or (element.get("id") or "").lower() in _IDS


def _says_more(element: Element) -> bool:
    if (element.tail or "").strip():
        return True
    return any(text_of(e).strip() for e in element.itersiblings() if not _is_quotation(e))


def _count(element: Element) -> int:
    return len(_WORDS.findall(text_of(element)))

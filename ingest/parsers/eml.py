"""E-mail: the important header lines, then the best readable body.

Plain text is preferred to HTML where it says the same. What a letter repeats at its end of earlier ones is
left out (`email_quotes`), with a warning. Attachments are named in a warning and not opened: what matters in
them belongs in the collection as files of their own.
"""

from __future__ import annotations

import email
import re
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.common.email_quotes import drop_quotes, without_quoted_tail
from ingest.parsers.common.html_blocks import append_tree, tree_of
from ingest.records import RejectReason
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

_SHOWN = ("Subject", "From", "To", "Cc", "Date")
_KEPT = ("From", "To", "Cc", "Date", "Message-ID")
_LONGEST_HEADER = 4000
_WORD = re.compile(r"\w+")
_ANSWERED = re.compile(r"\s*(re|aw|antw|sv|vs|odp|ynt|rif|res|回复|答复)\s*(\[\d+\])?\s*[:：]", re.IGNORECASE)
_LEAST_MISSING = 3
_MISSING_SHARE = 0.15
_OWN_WORDS = 30
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(slots=True)
class _Letter:
    """What is known of the letter at hand beside its text."""

    is_reply: bool
    attachments: list[str] = field(default_factory=list)
    quoted_words: int = 0


class _BoundedHeaders(policy.EmailPolicy):
    """Headers of some length only: the library takes the square of it."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


def parse_eml(data: bytes, builder: TextBuilder) -> None:
    """Appends a letter: its header lines, then its text."""
    if data.startswith(_WIDE_MARKS) or b"\x00" in data[:100]:
        data = decode(data).encode("utf-8")
    message = email.message_from_bytes(data, policy=_BoundedHeaders())
    headers = {name: value for name in (*_SHOWN, *_KEPT) if (value := _header(message, name))}
    if not headers and not message.keys():
        raise UnparsableError(RejectReason.CORRUPT, "no e-mail: it has no header lines")
    builder.title = headers.get("Subject", "")
    for name in _KEPT:
        if name in headers:
            builder.metadata[name.lower()] = headers[name]
    builder.block("\n".join(f"{name}: {headers[name]}" for name in _SHOWN if name in headers))
    before = len(builder)
    answered = bool(_header(message, "In-Reply-To") or _header(message, "References"))
    letter = _Letter(is_reply=answered or bool(_ANSWERED.match(builder.title)))
    _append_parts(message, builder, letter)
    if len(builder) == before:
        builder.warnings.append("the message has no text of its own")
    if letter.quoted_words:
        builder.warnings.append(f"{letter.quoted_words:,} words quoted from earlier letters were left out")
    if letter.attachments:
        named = ", ".join(dict.fromkeys(letter.attachments))
        builder.warnings.append(f"attachments are not searched: {named}")


def _header(message: Message, name: str) -> str:
    """A header in readable characters; a broken one as it stands."""
    try:
        value = squeeze(str(message.get(name) or ""))
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        raw = dict(message.raw_items()) if isinstance(message, EmailMessage) else {}
        value = squeeze(str(raw.get(name, "")))
    if name == "Date" and value:
        try:
            return parsedate_to_datetime(value).isoformat(sep=" ")
        except (ValueError, TypeError):
            return value
    return value


def _append_parts(part: Message, builder: TextBuilder, letter: _Letter) -> None:
    """Walks the parts; of alternatives only the best is read."""
    kind = part.get_content_type()
    if kind == "multipart/alternative":
        _append_best(part, builder, letter)
    elif kind == "message/rfc822" or part.is_multipart():
        for child in _children(part):
            if kind == "message/rfc822" or child.get_content_type() == "message/rfc822":
                _append_inner(child, builder)
            _append_parts(child, builder, letter)
    elif _is_attachment(part):
        letter.attachments.append(squeeze(part.get_filename() or kind))
    elif kind == "text/html":
        root = tree_of(_text(part))
        if root is not None:
            letter.quoted_words += drop_quotes(root, is_reply=letter.is_reply)
            append_tree(root, builder)
    elif part.get_content_maintype() == "text":
        text = _text(part)
        kept = without_quoted_tail(text, is_reply=letter.is_reply)
        letter.quoted_words += len(_WORD.findall(text)) - len(_WORD.findall(kept))
        builder.block(kept)


def _children(part: Message) -> list[Message]:
    inner = part.get_payload()
    return [child for child in inner if isinstance(child, Message)] if isinstance(inner, list) else []


def _append_inner(message: Message, builder: TextBuilder) -> None:
    """A forwarded letter begins with its own subject."""
    lines = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    builder.block("\n".join(lines))


def _append_best(part: Message, builder: TextBuilder, letter: _Letter) -> None:
    """The plain alternative where it says what the others say, else the richer one, or both."""
    told: list[tuple[Message, frozenset[str], _Letter]] = []
    for child in _children(part):
        trial, of_trial = TextBuilder(builder.options), _Letter(is_reply=letter.is_reply)
        _append_parts(child, trial, of_trial)
        told.append((child, frozenset(_WORD.findall(trial.text.casefold())), of_trial))
        letter.attachments += of_trial.attachments
    told = [item for item in told if item[1]]
    if not told:
        return
    plain = next((item for item in told if item[0].get_content_type() == "text/plain"), told[-1])
    chosen = [plain]
    for other in told:
        if other is not plain and _misses(plain[1], other[1]):
            chosen = [other] if len(plain[1] - other[1]) < _OWN_WORDS else [*chosen, other]
    for child, _, _ in chosen:
        before = list(letter.attachments)
        _append_parts(child, builder, letter)
        letter.attachments = before


def _misses(words: frozenset[str], others: frozenset[str]) -> bool:
    """Whether a part lacks what another one says: a stub that asks for another mail program does."""
    missing = len(others - words)
    return missing >= _LEAST_MISSING and missing > _MISSING_SHARE * len(others)


def _is_attachment(part: Message) -> bool:
    if part.get_content_disposition() == "attachment":
        return True
    return part.get_content_maintype() != "text" or (
        part.get_filename() is not None and part.get_content_type() not in ("text/plain", "text/html")
    )


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return decode(payload, part.get_content_charset())

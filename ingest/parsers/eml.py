"""E-mail: the important header lines, then the best readable body.

Plain text is preferred to HTML unless it is empty. Earlier letters that it repeats at its end are left out
(`email_quotes`). Attachments are named in a warning and not opened: what matters in them belongs in the
collection as files of their own.
"""

from __future__ import annotations

import email
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
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


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
    attachments: list[str] = []
    _append_parts(message, builder, attachments)
    if len(builder) == before:
        builder.warnings.append("the message has no text of its own")
    if attachments:
        builder.warnings.append(f"attachments are not searched: {', '.join(attachments)}")


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


def _append_parts(part: Message, builder: TextBuilder, attachments: list[str]) -> None:
    """Walks the parts; of alternatives only the best is read."""
    kind = part.get_content_type()
    if kind == "multipart/alternative":
        _append_best(part, builder, attachments)
    elif kind == "message/rfc822" or part.is_multipart():
        inner = part.get_payload()
        for child in (item for item in inner if isinstance(item, Message)) if isinstance(inner, list) else ():
            if kind == "message/rfc822" or child.get_content_type() == "message/rfc822":
                _append_inner(child, builder)
            _append_parts(child, builder, attachments)
    elif _is_attachment(part):
        attachments.append(squeeze(part.get_filename() or kind))
    elif kind == "text/html":
        root = tree_of(_text(part))
        if root is not None:
            drop_quotes(root)
            append_tree(root, builder)
    elif part.get_content_maintype() == "text":
        builder.block(without_quoted_tail(_text(part)))


def _append_inner(message: Message, builder: TextBuilder) -> None:
    """A forwarded letter begins with its own subject."""
    lines = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    builder.block("\n".join(lines))


def _append_best(part: Message, builder: TextBuilder, attachments: list[str]) -> None:
    payload = part.get_payload()
    children = [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []
    plain = [child for child in children if child.get_content_type() == "text/plain" and _text(child).strip()]
    for child in plain[:1] or children[-1:]:
        _append_parts(child, builder, attachments)


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

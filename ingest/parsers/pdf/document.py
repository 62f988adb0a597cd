"""PDF, through pdfium: the text of each page, with the index of every character on its page.

Every character that is kept carries its index on the page, so that an answer can be boxed where it stands,
hyphens joined or not. Pages without a text layer are reported, never skipped. Bookmarks become headings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ctypes import byref, c_void_p, cast
from math import pi
from statistics import median, mode

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingest.conversion.text_builder import TextBuilder
from ingest.errors import UnparsableError
from ingest.parsers.pdf.annotations import comments, with_fields
from ingest.parsers.pdf.columns import in_reading_order
from ingest.parsers.pdf.garbled import is_garbled
from ingest.parsers.pdf.hyphenation import KnownWords
from ingest.parsers.pdf.paragraphs import Character, Paragraph, paragraphs
from ingest.parsers.pdf.right_to_left import with_ligatures_in_order
from ingest.parsers.pdf.running_headers import without_running_heads
from ingest.records import RejectReason

_NO_TITLE = re.compile(
    r"""
    \.(docx?|dvi|tex|pdf|indd|qxd|pptx?|xlsx?|rtf|html?|ps|ai|eps)\b  # the name of a file
    | ^\(?(anonymous|unspecified|untitled)\b | ^microsoft\ | ^(print|slide|layout|document)\s?\d*$ | ^\W*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_METADATA = ("Author", "Subject", "Keywords", "CreationDate")
# Fonts of old TeX have their ligatures where other fonts have control characters, and say so nowhere.
_OLD_LIGATURES = {
    first + number: letters
    for first in (0x0B, 0x1B)
    for number, letters in enumerate(("ff", "fi", "fl", "ffi", "ffl"))
}
_PLACES_NAMED = 20
_LONGEST_BOOKMARK = 300
_MOST_PAGES = 20_000


def parse_pdf(data: bytes, builder: TextBuilder) -> None:
    """Appends the text of a PDF page by page."""
    document = _open(data, builder.options.passwords)
    try:
        _parse(document, builder)
    finally:
        document.close()


def _open(data: bytes, passwords: Sequence[str]) -> pdfium.PdfDocument:
    for password in (None, *passwords):
        try:
            return pdfium.PdfDocument(data, password=password)
        except pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) != pdfium_c.FPDF_ERR_PASSWORD:
                raise UnparsableError(RejectReason.CORRUPT, f"damaged PDF: {error}") from error
    way = "none of those given opens it" if passwords else "give it with --password-file"
    raise UnparsableError(RejectReason.ENCRYPTED, f"protected by a password; {way}")


def _parse(document: pdfium.PdfDocument, builder: TextBuilder) -> None:
    count = len(document)
    if count > _MOST_PAGES:
        raise UnparsableError(RejectReason.TOO_LARGE, f"{count:,} pages, the limit is {_MOST_PAGES:,}")
    if document.get_formtype():
        document.init_forms()
    written: dict[int, list[str]] = {}
    told = [_characters(document, number, written) for number in range(len(document))]
    garbled = [number for number, page in enumerate(told, start=1) if is_garbled([c.text for c in page])]
    pages = without_running_heads([[] if n in garbled else page for n, page in enumerate(told, start=1)])
    words = KnownWords.of("".join("".join(c.text for c in page) for page in pages))
    biggest: Paragraph | None = None
    silent: list[int] = []
    recognised: list[int] = []
    for number, characters in enumerate(pages, start=1):
        blocks = [p for p in paragraphs(characters, words) if p.text.strip()]
        read = "" if blocks else _recognise(document, number, builder)
        if read:
            recognised.append(number)
        elif not blocks:
            silent.append(number)
        with builder.page(number):
            builder.block(read)
            for paragraph in blocks:
                builder.mapped(paragraph.text, paragraph.sources, number)
            for comment in written[number]:
                builder.paragraph(comment)
        if number == 1:
            biggest = _biggest(blocks)
    if len(silent) == count:
        raise UnparsableError(RejectReason.NO_TEXT, _without_text(count, builder.options.ocr, bool(garbled)))
    _warn_of_pages(builder, count, silent=silent, recognised=recognised, garbled=garbled)
    _add_outline(document, builder)
    _read_metadata(document, builder, biggest)


def _warn_of_pages(
    builder: TextBuilder, count: int, *, silent: list[int], recognised: list[int], garbled: list[int]
) -> None:
    """Names the pages whose words were not read, or not read from their text layer."""
    if recognised:
        builder.recognised = True
        builder.warnings.append(_some_pages(recognised, count, "read by text recognition"))
    unreadable = [number for number in garbled if number in silent]
    if unreadable:
        verb = "has" if len(unreadable) == 1 else "have"
        what = f"{verb} an unreadable text layer and were left out; --ocr reads them"
        builder.warnings.append(_some_pages(unreadable, count, what))
    empty = [number for number in silent if number not in unreadable]
    if empty:
        verb = "has" if len(empty) == 1 else "have"
        builder.warnings.append(_some_pages(empty, count, f"{verb} no text"))


def _characters(document: pdfium.PdfDocument, index: int, written: dict[int, list[str]]) -> list[Character]:
    """The page's characters in pdfium's order, with their loose boxes; `written` takes its comments."""
    page = document[index]
    text_page = page.get_textpage()
    try:
        turned = _turned(text_page)
        read = with_ligatures_in_order(list(_read(text_page)))
        characters = with_fields(_without_shadows(text_page, read), document, page)
        written[index + 1] = comments(page)
        return in_reading_order([turned(character) for character in characters])
    finally:
        text_page.close()
        page.close()


def _read(text_page: pdfium.PdfTextPage) -> Iterator[Character]:
    box = pdfium_c.FS_RECTF()
    high = 0
    for index in range(text_page.count_chars()):
        code = pdfium_c.FPDFText_GetUnicode(text_page, index)
        text = ""
        if code in _OLD_LIGATURES and pdfium_c.FPDFText_IsGenerated(text_page, index) != 1:
            text = _OLD_LIGATURES[code]
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code, high = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00), 0
        if code == 0 or code > 0x10FFFF:
            continue
        pdfium_c.FPDFText_GetLooseCharBox(text_page, index, byref(box))
        yield Character(
            text=text or chr(code),
            number=index,
            left=box.left,
            bottom=box.bottom,
            right=box.right,
            top=box.top,
        )


def _without_shadows(text_page: pdfium.PdfTextPage, characters: list[Character]) -> list[Character]:
    """The characters without those that stand on the same letter: bold type is often words drawn twice.

    Letters of one ligature stand in one place, too, but are of one piece of text.
    """
    seen: dict[tuple[str, int, int], Character] = {}
    doubled: set[int] = set()
    for character in characters:
        if character.text.isspace():
            continue
        near = 0.08 * (character.top - character.bottom)
        left, bottom = int(character.left / 2), int(character.bottom / 2)
        places = {(left, bottom), (int((character.left - near) / 2), bottom)}
        for place in places:
            other = seen.get((character.text, *place))
            if (
                other is not None
                and abs(other.left - character.left) < near
                and abs(other.bottom - character.bottom) < near
                and _piece(text_page, other) != _piece(text_page, character)
            ):
                doubled.add(character.number)
        seen[character.text, left, bottom] = character
    return (
        [character for character in characters if character.number not in doubled] if doubled else characters
    )


def _piece(text_page: pdfium.PdfTextPage, character: Character) -> int | None:
    return cast(pdfium_c.FPDFText_GetTextObject(text_page, character.number), c_void_p).value


def _turned(text_page: pdfium.PdfTextPage) -> Callable[[Character], Character]:
    """The turn that makes most of the page's lines horizontal: tables are often set sideways."""
    count = text_page.count_chars()
    step = max(1, count // 50)
    turns = [
        round(pdfium_c.FPDFText_GetCharAngle(text_page, index) / (pi / 2)) % 4
        for index in range(0, count, step)
    ]
    turn = mode(turns) if turns else 0
    return _TURNS[turn]


def _quarter(character: Character) -> Character:
    return character._replace(
        left=-character.top,
        right=-character.bottom,
        bottom=character.left,
        top=character.right,
    )


def _half(character: Character) -> Character:
    return _quarter(_quarter(character))


def _three_quarters(character: Character) -> Character:
    return _quarter(_half(character))


_TURNS: tuple[Callable[[Character], Character], ...] = (
    lambda character: character,
    _quarter,
    _half,
    _three_quarters,
)


def _biggest(found: list[Paragraph]) -> Paragraph | None:
    """The block in the largest type of a first page, where it stands out: most likely the title."""
    words = [
        p for p in found if 3 <= len(p.text) <= 200 and sum(c.isalpha() for c in p.text) > len(p.text) / 2
    ]
    if len(found) < 2 or not words:
        return None
    best = max(words, key=lambda paragraph: paragraph.height)
    usual = median(paragraph.height for paragraph in found)
    return best if best.height > 1.15 * usual else None


def _recognise(document: pdfium.PdfDocument, number: int, builder: TextBuilder) -> str:
    """What text recognition finds on a page, if it was asked for."""
    if builder.options.ocr is None:
        return ""
    from ingest.parsers.pdf.ocr import recognise

    builder.alive()
    page = document[number - 1]
    try:
        return recognise(page, builder.options.ocr)
    finally:
        page.close()


def _without_text(count: int, ocr: str | None, garbled: bool) -> str:
    if garbled:
        way = (
            "and text recognition found nothing"
            if ocr is not None
            else "--ocr reads it where tesseract is installed"
        )
        return f"text layer unreadable: its fonts do not say which letters they hold; {way}"
    pages = "1 page without text" if count == 1 else f"{count} pages, none with text"
    if ocr is not None:
        return f"{pages}, and text recognition found none either"
    return f"{pages}; looks scanned; --ocr reads it where tesseract is installed"


def _some_pages(pages: Sequence[int], count: int, what: str) -> str:
    named = ", ".join(map(str, pages[:_PLACES_NAMED]))
    more = ", ..." if len(pages) > _PLACES_NAMED else ""
    return f"{len(pages)} of {count} pages {what}: {named}{more}"


def _add_outline(document: pdfium.PdfDocument, builder: TextBuilder) -> None:
    """Bookmarks become headings at the place on their page where their words stand."""
    text = builder.text
    starts: dict[int, int] = {}
    for bookmark in document.get_toc():
        destination = bookmark.get_dest()
        index = destination.get_index() if destination is not None else None
        title = bookmark.get_title()
        if index is None or not 0 <= index < len(builder.pages) or not title.strip():
            continue
        page = builder.pages[index]
        # Bookmarks of one page follow one another, as their headings do.
        after = starts.get(index, page.start)
        found = _find_words(text, title, after, page.end)
        start = after if found is None else found
        starts[index] = start if found is None else start + 1
        builder.mark_heading(bookmark.level + 1, title, start)
    builder.headings.sort(key=lambda heading: heading.start)


def _find_words(text: str, title: str, start: int, end: int) -> int | None:
    """Where the letters of `title` stand in `text[start:end]`, whatever stands between."""
    letters = [re.escape(character) for character in title[:_LONGEST_BOOKMARK] if character.isalnum()]
    if not letters:
        return None
    pattern = r"[\W_]{0,20}".join(letters)
    for begin in (r"^[\W_]{0,20}(?:\d+(?:\.\d+)*\.?\s+)?", r"\b"):
        match = re.compile(f"{begin}({pattern})", re.IGNORECASE | re.MULTILINE).search(text, start, end)
        if match is not None:
            return match.start() if begin[0] == "^" else match.start(1)
    return None


def _read_metadata(document: pdfium.PdfDocument, builder: TextBuilder, biggest: Paragraph | None) -> None:
    fields = document.get_metadata_dict(skip_empty=True)
    for name in _METADATA:
        if fields.get(name, "").strip() and not _NO_TITLE.search(fields[name]):
            builder.metadata[name.lower()] = fields[name]
    title = fields.get("Title", "").strip()
    if title and not _NO_TITLE.search(title):
        builder.title = title
    elif biggest is not None:
        builder.title = biggest.text

"""What stands on a PDF page beside its text: values of form fields, and what readers wrote on it.

A field's value is put into the line of its label, a box as [x] or [ ]; comments follow the page's text.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingest.parsers.pdf.paragraphs import Character
from ingest.text.normalise import NO_SOURCE, squeeze

_Found = TypeVar("_Found")
Box = tuple[float, float, float, float]

_MOST_ANNOTATIONS = 2_000
_LONGEST = 20_000
_TICKED = ("checkbox", "radio")
_KINDS = {
    pdfium_c.FPDF_FORMFIELD_CHECKBOX: "checkbox",
    pdfium_c.FPDF_FORMFIELD_RADIOBUTTON: "radio",
    pdfium_c.FPDF_FORMFIELD_COMBOBOX: "text",
    pdfium_c.FPDF_FORMFIELD_LISTBOX: "text",
    pdfium_c.FPDF_FORMFIELD_TEXTFIELD: "text",
}
_WRITTEN = {
    pdfium_c.FPDF_ANNOT_TEXT: "Comment: ",
    pdfium_c.FPDF_ANNOT_FREETEXT: "",
    pdfium_c.FPDF_ANNOT_HIGHLIGHT: "Comment: ",
    pdfium_c.FPDF_ANNOT_UNDERLINE: "Comment: ",
    pdfium_c.FPDF_ANNOT_SQUIGGLY: "Comment: ",
    pdfium_c.FPDF_ANNOT_STRIKEOUT: "Comment: ",
    pdfium_c.FPDF_ANNOT_CARET: "Comment: ",
}


def with_fields(
    characters: list[Character], document: pdfium.PdfDocument, page: pdfium.PdfPage
) -> list[Character]:
    """The characters with the values of the page's form fields, each behind the label on its line."""
    form = document.formenv
    if form is None:
        return characters
    fields = [field for field in _annotations(page, lambda annotation: _field(form, annotation)) if field[1]]
    characters = list(characters)
    for box, value in fields:
        at = _behind(characters, box)
        if at is None:
            letters = _laid(value, box)
            at = len(characters)
            if characters and characters[-1].text not in "\r\n":
                letters.insert(0, letters[0]._replace(text="\n"))
            letters.append(letters[-1]._replace(text="\n"))
        elif at and characters[at - 1].right <= box[0] + 2:
            # Right behind its label, so that the two are no cells of a table.
            label = characters[at - 1]
            start = label.right + 2.0
            letters = _laid(value, (start, box[1], start + box[2] - box[0], box[3]))
            letters.insert(0, letters[0]._replace(text=" ", left=label.right, right=start))
        else:
            letters = _laid(value, box)
            letters.append(letters[-1]._replace(text=" ", left=letters[-1].right))
        characters[at:at] = letters
    return characters


def comments(page: pdfium.PdfPage) -> list[str]:
    """What readers wrote on a page: notes, and text typed over it."""
    return [words for words in _annotations(page, _comment) if words]


def _annotations(page: pdfium.PdfPage, read: Callable[[object], _Found]) -> Iterator[_Found]:
    for index in range(min(_MOST_ANNOTATIONS, pdfium_c.FPDFPage_GetAnnotCount(page))):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if annotation:
            try:
                yield read(annotation)
            finally:
                pdfium_c.FPDFPage_CloseAnnot(annotation)


def _field(form: pdfium.PdfFormEnv, annotation: object) -> tuple[Box, str]:
    """The place and value of a form field; "" for what is none, or empty."""
    nothing = ((0.0, 0.0, 0.0, 0.0), "")
    if pdfium_c.FPDFAnnot_GetSubtype(annotation) != pdfium_c.FPDF_ANNOT_WIDGET:
        return nothing
    kind = _KINDS.get(pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation))
    box = pdfium_c.FS_RECTF()
    if kind is None or not pdfium_c.FPDFAnnot_GetRect(annotation, ctypes.byref(box)):
        return nothing
    place = (box.left, min(box.bottom, box.top), box.right, max(box.bottom, box.top))
    if kind in _TICKED:
        return place, "[x]" if pdfium_c.FPDFAnnot_IsChecked(form, annotation) else "[ ]"
    return place, squeeze(_text(lambda *rest: pdfium_c.FPDFAnnot_GetFormFieldValue(form, annotation, *rest)))


def _comment(annotation: object) -> str:
    prefix = _WRITTEN.get(pdfium_c.FPDFAnnot_GetSubtype(annotation))
    if prefix is None:
        return ""
    words = squeeze(_text(lambda *rest: pdfium_c.FPDFAnnot_GetStringValue(annotation, b"Contents", *rest)))
    return f"{prefix}{words}" if words else ""


def _text(read: Callable[..., int]) -> str:
    size = read(None, 0)
    if not 2 < size <= 2 * _LONGEST:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    read(buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace")


def _behind(characters: Sequence[Character], box: Box) -> int | None:
    """Where the label of a field ends: the nearest letter on its line, to its left or else to its right."""
    left, bottom, right, top = box
    middle = (bottom + top) / 2
    before: tuple[float, int] | None = None
    after: tuple[float, int] | None = None
    for at, character in enumerate(characters):
        if character.text.isspace() or not character.bottom - 2 <= middle <= character.top + 2:
            continue
        if character.right <= left + 2 and (before is None or left - character.right < before[0]):
            before = (left - character.right, at + 1)
        elif character.left >= right - 2 and (after is None or character.left - right < after[0]):
            after = (character.left - right, at)
    if before is not None and (after is None or before[0] <= after[0]):
        return before[1]
    return after[1] if after is not None else None


def _laid(value: str, box: Box) -> list[Character]:
    """The letters of a value spread over its field, at the height of a line."""
    left, bottom, right, top = box
    height = min(top - bottom, 12.0)
    middle = (bottom + top) / 2
    step = min((right - left) / max(1, len(value)), height / 2)
    return [
        Character(
            text=letter,
            number=NO_SOURCE,
            left=left + at * step,
            bottom=middle - height / 2,
            right=left + (at + 1) * step,
            top=middle + height / 2,
        )
        for at, letter in enumerate(value)
    ]

"""Sources of documents for people: LaTeX, AsciiDoc and the pages of `man`."""

from __future__ import annotations

import re

from pylatexenc.latex2text import LatexNodes2Text

from ingest.conversion.text_builder import TextBuilder
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

_SECTION = re.compile(
    r"^[ \t]*\\(part|chapter|section|subsection|subsubsection|paragraph)\*?(?:\[[^\]]*\])?"
    r"\{((?:[^{}]|\{[^{}]*\})*)\}",
    re.MULTILINE,
)
_DEPTH = {"part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5}
_TITLE = re.compile(r"\\title\{((?:[^{}]|\{[^{}]*\})*)\}")
_PREAMBLE = re.compile(r"\A.*?\\begin\{document\}", re.DOTALL)
_ADOC_HEADING = re.compile(r"^(={1,6})\s+(\S.*)$")
_ADOC_SILENT = re.compile(r"^(?::[\w-]+:.*|//.*|\[[^\]]*\]|\[\[.*\]\]|-{4,}|={4,}|\*{4,}|_{4,}|\.{4,}|\+)$")
_ADOC_MARKS = re.compile(r"(?<!\w)(\*|_|`|\+)(\S(?:[^\n]*?\S)?)\1(?!\w)")
_ADOC_LINK = re.compile(r"(?:link:|xref:|https?://)\S*?\[([^\]]+)\]")
_FONT = re.compile(r"\\f(?:[A-Z0-9]|\([A-Z]{2}|\[[A-Z]*\])")
_ESCAPES = {
    r"\-": "-",
    r"\(bu": "•",
    r"\(em": "—",
    r"\(en": "–",
    r"\(aq": "'",
    r"\(dq": '"',
    r"\e": "\\",
    r"\&": "",
    r"\ ": " ",
}
_SILENT_MACROS = frozenset(
    "TH Dd Dt Os PP P LP RS RE br sp nf fi in ft ad na hy ne ta so de ie if el ig Pp Bl El Ed Bd".split()
)


def parse_latex(data: bytes, builder: TextBuilder) -> None:
    """Appends a LaTeX document: its sections under their titles, commands resolved."""
    text = decode(data)
    title = _TITLE.search(text)
    text = _PREAMBLE.sub("", text) if "\\begin{document}" in text else text
    reader = LatexNodes2Text(math_mode="text", keep_comments=False)
    if title:
        builder.title = squeeze(reader.latex_to_text(title[1]))
    at = 0
    for match in _SECTION.finditer(text):
        _append_latex(reader, text[at : match.start()], builder)
        builder.heading(_DEPTH[match[1]], reader.latex_to_text(match[2]))
        at = match.end()
    _append_latex(reader, text[at:], builder)


def _append_latex(reader: LatexNodes2Text, source: str, builder: TextBuilder) -> None:
    """Paragraph by paragraph, so that one that cannot be read costs no other."""
    for paragraph in re.split(r"\n\s*\n", source):
        if not paragraph.strip():
            continue
        try:
            words = reader.latex_to_text(paragraph)
        except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
            words = paragraph
        builder.block("\n".join(squeeze(line) for line in words.split("\n") if line.strip()))


def parse_asciidoc(data: bytes, builder: TextBuilder) -> None:
    """Appends an AsciiDoc document: headings as such, the rest without its marks."""
    for paragraph in re.split(r"\n[ \t]*\n", decode(data).replace("\r\n", "\n")):
        lines: list[str] = []
        for line in paragraph.split("\n"):
            heading = _ADOC_HEADING.match(line)
            if heading:
                builder.block("\n".join(lines))
                lines = []
                builder.heading(len(heading[1]), _without_marks(heading[2]))
            elif not _ADOC_SILENT.match(line.strip()):
                lines.append(_without_marks(line))
        builder.block("\n".join(lines))


def _without_marks(line: str) -> str:
    return _ADOC_LINK.sub(r"\1", _ADOC_MARKS.sub(r"\2", line))


def parse_man(data: bytes, builder: TextBuilder) -> None:
    """Appends a page of the manual: its sections, the words of its macros, fonts left out."""
    paragraph: list[str] = []
    for line in decode(data).splitlines():
        macro = re.match(r"[.'][ \t]*([A-Za-z]{1,4})\b[ \t]*(.*)", line)
        if line.startswith(('.\\"', "'\\\"")):
            continue
        if macro is None:
            if line.strip() in ("", "."):
                _flush(paragraph, builder)
            else:
                paragraph.append(_roff(line))
            continue
        name, rest = macro[1], _roff(macro[2]).replace('"', "")
        if name == "TH" and rest:
            builder.title = rest.split()[0]
        if name in ("SH", "SS", "Sh", "Ss"):
            _flush(paragraph, builder)
            builder.heading(1 if name[1] in "Hh" else 2, rest)
        elif name in ("TP", "IP", "HP", "It", *_SILENT_MACROS):
            _flush(paragraph, builder)
            if name in ("IP", "It"):
                paragraph.append(rest)
        elif rest:
            paragraph.append(rest)
    _flush(paragraph, builder)


def _flush(paragraph: list[str], builder: TextBuilder) -> None:
    builder.paragraph(" ".join(filter(None, paragraph)))
    paragraph.clear()


def _roff(text: str) -> str:
    text = _FONT.sub("", text)
    for escape, words in _ESCAPES.items():
        text = text.replace(escape, words)
    return text

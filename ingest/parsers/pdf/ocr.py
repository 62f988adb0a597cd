"""Text recognition for pages that are pictures, through the program `tesseract` where it is installed.

Pages go to it one by one through a pipe; nothing is written to disk. What it reads is text of that page
without a way back to places on it. Quality is tesseract's: clean scans come out well, photographs do not.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

import pypdfium2 as pdfium

from ingest.errors import IngestError
from ingest.parsers.pdf.hyphenation import KnownWords

_PROGRAM = "tesseract"
_DOTS_PER_INCH = 300
_MOST_PIXELS = 50_000_000
_SECONDS_PER_PAGE = 120


def require_tesseract(languages: str) -> None:
    """Raises `IngestError` where tesseract or one of the languages (`eng+deu`) is not installed."""
    if shutil.which(_PROGRAM) is None:
        raise IngestError(
            "text recognition needs the program tesseract, which is not installed",
            hint="install it (Debian and Ubuntu: apt install tesseract-ocr; macOS: brew install tesseract)",
        )
    installed = _installed()
    missing = [language for language in languages.split("+") if language not in installed]
    if missing:
        raise IngestError(
            f"tesseract has no language {', '.join(missing)!r}; it has {', '.join(sorted(installed))}",
            hint=f"install it, on Debian and Ubuntu: apt install tesseract-ocr-{missing[0] or 'eng'}",
        )


@cache
def _installed() -> frozenset[str]:
    listed = subprocess.run(  # noqa: S603 - a fixed program
        [_PROGRAM, "--list-langs"], capture_output=True, text=True, check=False, timeout=30
    )
    return frozenset(listed.stdout.split("\n")[1:]) - {"", "osd"}


def recognise(page: pdfium.PdfPage, languages: str) -> str:
    """The text that tesseract finds on a page, paragraphs with a blank line between; "" where it finds none.

    Raises `OSError` or `subprocess.SubprocessError` where the program fails.
    """
    picture = _picture(page)
    done = subprocess.run(  # noqa: S603 - languages are from the installed ones
        [_PROGRAM, "stdin", "stdout", "-l", languages, "--dpi", str(_DOTS_PER_INCH)],
        input=picture,
        capture_output=True,
        check=True,
        timeout=_SECONDS_PER_PAGE,
    )
    return _paragraphs(done.stdout.decode("utf-8", "replace").replace("\f", ""))


def _picture(page: pdfium.PdfPage) -> bytes:
    """The page in grey, as a portable grey map; huge pages are drawn smaller."""
    width, height = page.get_size()
    scale = _DOTS_PER_INCH / 72
    scale *= min(1.0, (_MOST_PIXELS / max(1.0, width * height * scale * scale)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        pixels = bitmap.to_numpy()
        rows, columns = pixels.shape[:2]
        content: bytes = pixels.reshape(rows, columns).tobytes()
        return b"P5 %d %d 255\n" % (columns, rows) + content
    finally:
        bitmap.close()


def _paragraphs(text: str) -> str:
    """Lines of one paragraph joined, words that were divided at a line's end put together."""
    words = KnownWords.of(text)
    blocks = ([line.strip() for line in block.split("\n") if line.strip()] for block in text.split("\n\n"))
    return "\n\n".join(_joined(lines, words) for lines in blocks if any(c.isalnum() for c in "".join(lines)))


def _joined(lines: list[str], words: KnownWords) -> str:
    text = lines[0]
    for line in lines[1:]:
        if not text.endswith("-"):
            text = f"{text} {line}"
        elif words.keep_hyphen(text[:-1], line):
            text += line
        else:
            text = text[:-1] + line
    return text

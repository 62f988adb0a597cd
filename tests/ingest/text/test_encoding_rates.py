"""How often an encoding is recognised, on the same document in many languages, by the length of the text."""

from __future__ import annotations

import random
import re
import zipfile
from pathlib import Path

import pytest

from ingest.conversion.formats import looks_like_text
from ingest.text.encoding import decode

ARCHIVE = Path(__file__).parents[4] / "shared" / "data" / "documents" / "udhr2.zip"
LENGTHS = (20, 50, 100, 300, 1000, 4000)
CASES = """
eng utf-8, deu utf-8-sig, rus utf-16, jpn utf-32, eng utf-16-le, rus utf-16-be, jpn utf-16-le, cmn_hans
utf-16-be, kor utf-32-le, arb utf-32-be, hin utf-16-le, tha utf-16-be, deu cp1252, fra cp1252, spa
cp1252, swe cp1252, por_PT cp1252, ita cp1252, dan cp1252, pol cp1250, ces cp1250, hun cp1250, ces
iso8859-2, pol iso8859-2, tur cp1254, lit cp1257, deu mac_roman, deu cp850, rus cp1251, ukr cp1251, bul
cp1251, rus koi8-r, ukr koi8-u, rus cp866, rus iso8859-5, ell_monotonic cp1253, ell_monotonic iso8859-7,
heb cp1255, arb cp1256, arb iso8859-6, jpn cp932, jpn euc_jp, jpn iso2022_jp, cmn_hans gb18030, cmn_hans
gbk, cmn_hant big5, kor cp949, tha cp874
"""


def _paragraphs(archive: zipfile.ZipFile, language: str) -> list[str]:
    text = archive.read(f"udhr2/{language}.txt").decode("utf-8-sig")
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def _pieces(paragraphs: list[str], length: int, count: int) -> list[str]:
    draw = random.Random(length)
    starts = (draw.randrange(len(paragraphs)) for _ in range(count))
    return ["\n".join(paragraphs[start:])[:length] for start in starts]


def _table(samples: int, lengths: tuple[int, ...] = LENGTHS) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """For every language and encoding, by length: how many pieces came out right, of how many."""
    if not ARCHIVE.exists():
        pytest.skip(f"{ARCHIVE} is missing")
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    with zipfile.ZipFile(ARCHIVE) as archive:
        for case in CASES.split(","):
            language, encoding = case.split()
            paragraphs = _paragraphs(archive, language)
            row = found[language, encoding] = []
            for length in lengths:
                pieces = [piece.encode(encoding, "ignore") for piece in _pieces(paragraphs, length, samples)]
                told = [
                    data for data in pieces if encoding.startswith("utf") or not data.isascii() or 27 in data
                ]
                right = sum(looks_like_text(d) and decode(d) == d.decode(encoding) for d in told)
                row.append((right, len(told)))
    return found


def _print(table: dict[tuple[str, str], list[tuple[int, int]]]) -> None:
    print(f"\n{'language':<14} {'encoding':<11}", *(f"{length:>8}" for length in LENGTHS))  # noqa: T201
    for (language, encoding), row in table.items():
        cells = (f"{right}/{total}".rjust(8) for right, total in row)
        print(f"{language:<14} {encoding:<11}", *cells)  # noqa: T201


@pytest.mark.slow
def test_encodings_are_recognised_by_their_text() -> None:
    for (_, encoding), row in _table(samples=2, lengths=(100, 1000)).items():
        # A page is enough for every one of them, a line is enough for Unicode.
        for right, total in row if encoding.startswith("utf") else row[1:]:
            assert right == total, encoding


@pytest.mark.full
@pytest.mark.timeout(900)
def test_encodings_in_numbers() -> None:
    table = _table(samples=12)
    _print(table)
    for column, least in zip(range(len(LENGTHS)), (0.75, 0.92, 0.97, 0.99, 1.0, 1.0), strict=True):
        right = sum(row[column][0] for row in table.values())
        assert right >= least * sum(row[column][1] for row in table.values()), LENGTHS[column]

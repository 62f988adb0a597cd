"""From bytes to characters, when the file does not declare its encoding or declares a wrong one.

In this order: a byte order mark, UTF-16/32 without one (`ingest.text.utf16_detection`), the shift sequences
of Japanese mail, UTF-8, what the file declares about itself, the code pages of other alphabets
(`ingest.text.codepage_detection`), Latin ones by their language, then charset-normalizer's guess. A declared
encoding counts only after UTF-8: text that decodes as UTF-8 and is not plain ASCII practically never is
anything else, while declarations often lie.
"""

from __future__ import annotations

import codecs
import logging
import re
from contextlib import suppress

from charset_normalizer import from_bytes

from ingest.text.codepage_detection import script_code_page
from ingest.text.language import detect_language
from ingest.text.utf16_detection import wide_encoding

logging.getLogger("charset_normalizer").setLevel(logging.ERROR)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESS_BYTES = 200_000
_SCRIPT_BYTES = 20_000
_SHIFTS = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
# In order of preference where two fit equally well.
_LATIN = ("cp1252", "cp1250", "iso8859-2", "cp1254", "cp1257", "mac_roman", "cp850")
# Hebrew has its letters where Cyrillic has its small ones, but none in these places: no capitals, ы, ь, я.
_CYRILLIC_ONLY = re.compile("[\u0400-\u042fыья]")
_HIGH = re.compile(rb"[\x80-\xff]")
_PLAIN = re.compile(rb"[A-Za-z]")
_ALONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
_SHIFT_JIS = ("cp932", "shift_jis", "shift_jis_2004", "shift_jisx0213")
_LATIN_GUESSES = frozenset(
    """
    cp1252 cp1250 cp1254 cp1257 cp1258 cp437 cp775 cp850 cp852 cp858 cp1140 cp037 cp500 cp273 cp1026
    hp_roman8 latin_1 iso8859_2 iso8859_3 iso8859_4 iso8859_9 iso8859_10 iso8859_13 iso8859_14
    iso8859_15 iso8859_16 mac_roman mac_latin2 mac_turkish mac_iceland mac_croatian mac_romanian
    """.split()
)
_ALPHABETS = {
    "ca": "àçèéíïòóúü·",
    "cs": "áčďéěíňóřšťúůýž",
    "da": "æøåé",
    "de": "äöüßé",
    "en": "éèêëïñöüçáíóàâäô",
    "es": "áéíóúüñ¿¡",
    "et": "äõöüšž",
    "fi": "äöåšž",
    "fr": "àâæçèéêëîïôœùûüÿ",
    "hr": "čćđšž",
    "hu": "áéíóöőúüű",
    "it": "àèéìíîòóùú",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "nl": "éëïóöüè",
    "no": "æøåéòô",
    "pl": "ąćęłńóśźż",
    "pt": "áâãàçéêíóôõúü",
    "ro": "ăâîșțşţ",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "sl": "čšž",
    "sq": "çë",
    "sv": "åäöé",
    "tr": "çğıöşüâî",
}
_ALL_LETTERS = "".join(sorted(set("".join(_ALPHABETS.values()))))
_PUNCTUATION = "\u00a0–—‘’‚“”„…•«»‹›§°€£©®™´·×½¼²³µ"
# What the web means by these names is the larger Windows or Chinese set.
_LARGER = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "big5": "cp950",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
}


def decode(data: bytes, declared: str | None = None) -> str:
    """The characters of `data`; `declared` is what the file says about its own encoding, if anything."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    shifted = "iso2022_jp_ext" if any(shift in data for shift in _SHIFTS) else None
    for encoding in filter(None, (wide_encoding(data), shifted, "utf-8", _known(declared))):
        with suppress(UnicodeDecodeError, LookupError):
            return data.decode(encoding)
    return _guess(data)


def _known(declared: str | None) -> str | None:
    if declared is None:
        return None
    name = declared.strip().strip("\"'").lower()
    return _LARGER.get(name, name) or None


def _guess(data: bytes) -> str:
    """What charset-normalizer says, but for Latin letters what their language says.

    In one Latin code page every byte of another is a letter too, and on a few sentences charset-normalizer
    takes French for Latvian and Polish for English. The plain letters give the language away; the right code
    page is the one in which the others belong to that language's alphabet.
    """
    sample = data[:_GUESS_BYTES]
    page = script_code_page(sample[:_SCRIPT_BYTES])
    if page is not None:
        return data.decode(page, errors="replace")
    if _is_latin(sample):
        return data.decode(_latin_code_page(sample) or "cp1252", errors="replace")
    best = from_bytes(sample).best()
    if best is not None and len(_HALF_WIDTH.findall(str(best))) > 0.2 * len(str(best)):
        # Half-width kana were for cash registers: so much of them is Cyrillic or Greek in one byte a letter.
        best = from_bytes(sample, cp_exclusion=list(_SHIFT_JIS)).best()
    encoding: str = best.encoding if best is not None else "cp1252"
    if encoding == "cp1251" and not _CYRILLIC_ONLY.search(sample.decode("cp1251", errors="replace")):
        encoding = "cp1255"
    if encoding in _LATIN_GUESSES:
        encoding = _latin_code_page(sample) or "cp1252"
    return data.decode(_LARGER.get(encoding.replace("_", "-"), encoding), errors="replace")


def _is_latin(sample: bytes) -> bool:
    """Whether single accents stand among plain letters; signs of two bytes, as in Chinese, come in pairs."""
    high, plain = len(_HIGH.findall(sample)), len(_PLAIN.findall(sample))
    return plain > 2 * high and len(_ALONE.findall(sample)) > 0.8 * high


def _latin_code_page(sample: bytes) -> str | None:
    """The code page whose letters fit best to the language they make; None when none fits."""
    best, best_share = None, 0.0
    for encoding in _LATIN:
        text = sample.decode(encoding, errors="replace")
        marked = [character.lower() for character in text if character > "\x7f"]
        alphabet = _ALPHABETS.get(detect_language(text), _ALL_LETTERS) + _PUNCTUATION
        share = sum(character in alphabet for character in marked) / max(1, len(marked))
        if share > best_share:
            best, best_share = encoding, share
    return best

import codecs
import random

import pytest

from ingest.conversion.formats import looks_like_text
from ingest.text.encoding import decode

GERMAN = "Das Café in der Straße öffnet um acht Uhr früh – für „Gäste“ gibt es frische Brötchen."
FRENCH = "Le garçon naïf a déjà vu la façade de la bibliothèque à Genève, où l’été est très long."
POLISH = "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw."
CZECH = "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem."
TURKISH = "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler."
RUSSIAN = "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом."
GREEK = "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα."
HEBREW = "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון."
JAPANESE = "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。"
CHINESE = "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。"
TRADITIONAL = "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心,並應以兄弟關係的精神相對待。"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (FRENCH, "cp1252"),
        (POLISH, "cp1250"),
        (CZECH, "iso8859-2"),
        (TURKISH, "cp1254"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        (GREEK, "iso8859-7"),
        (GREEK[:20], "cp1253"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN.lower(), "cp1251"),
        (HEBREW, "cp1255"),
        (JAPANESE, "shift_jis"),
        (JAPANESE[:20], "euc_jp"),
        (f"{RUSSIAN} C:\\new\\notes" * 9, "cp1251"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (TRADITIONAL, "big5"),
        (CHINESE, "gb18030"),
        (KOREAN, "euc_kr"),
    ],
)
def test_undeclared_encodings_are_recognised(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        "Plain words, café",
        "Привет, мир",
        GERMAN,
        RUSSIAN,
        HEBREW,
        JAPANESE,
        CHINESE * 50,
        KOREAN,
        "中🙂文。" * 2000,
    ],
)
def test_unicode_without_a_mark(encoding: str, text: str) -> None:
    data = text.encode(encoding)
    assert looks_like_text(data)
    assert decode(data) == text


def test_binary_data_is_no_wide_text() -> None:
    random_bytes = random.Random(3).randbytes
    assert not looks_like_text(b"\x00\x01 no PDF!")
    for size in (60, 300, 5000):
        assert not any(looks_like_text(random_bytes(size) + b"\0\1\2") for _ in range(200))
    # The mark that ends a file under DOS makes no Chinese out of German.
    old = GERMAN.encode("cp1252") + b"\x1a"
    assert decode(old) == GERMAN + "\x1a"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_byte_order_marks_decide(mark: bytes, encoding: str) -> None:
    assert decode(mark + "Grüße, 世界".encode(encoding)) == "Grüße, 世界"


def test_a_declared_encoding_is_believed_when_it_fits() -> None:
    assert decode("Gr\u00fc\u00dfe".encode("iso-8859-15"), "iso-8859-15") == "Grüße"
    assert decode("“smart”".encode("cp1252"), "iso-8859-1") == "“smart”"


def test_a_false_declaration_is_not_believed() -> None:
    assert decode(RUSSIAN.encode(), "iso-8859-1") == RUSSIAN
    assert decode(GERMAN.encode("cp1252"), "no-such-encoding") == GERMAN


def test_nothing_and_damage_do_not_raise() -> None:
    assert decode(b"") == ""
    assert decode(codecs.BOM_UTF16_LE + b"a\x00b") == "a\ufffd"

"""The texts of the page, one file for each language: `text/en.toml`, `text/zh.toml`.

    say = Say("zh")
    say("nav.search")                -> "搜索"
    say.count("document", 1200)      -> "1,200 篇文档"

A new language is a new file there, named by its code, with the same keys. A key is SECTION.NAME. Values that
vary stand in braces, the same in every language; a noun that is counted has the lines `count.NOUN.one` and
`count.NOUN.other`. Lines are plain text: fragments escape them, and no widget reads them as Markdown. The
terminal speaks English and takes shared lines from here with `ENGLISH`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("text")
_DEFAULT = "en"

LANGUAGES = tuple(
    sorted((file.stem for file in _FOLDER.glob("*.toml")), key=lambda code: (code != _DEFAULT, code))
)


@cache
def lines(language: str) -> Mapping[str, str]:
    """Every line of a language by its key."""
    import tomllib  # not for `--help`

    sections = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return dict(_flat(sections))


@dataclass(frozen=True, slots=True)
class Say:
    """The page's texts in one of `LANGUAGES`."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """The line of that key with its values put in; KeyError for a key or value that is missing."""
        line = lines(self.language)[key]
        return line.format(**values) if values else line

    def count(self, noun: str, number: int) -> str:
        """A number with its noun.

        >>> Say("en").count("document", 1), Say("en").count("passage", 1200)
        ('1 document', '1,200 passages')
        """
        return self(f"count.{noun}.{'one' if number == 1 else 'other'}", count=f"{number:,}")

    @property
    def others(self) -> list[Say]:
        """The other languages, which the page can be switched to."""
        return [Say(language) for language in LANGUAGES if language != self.language]


ENGLISH = Say("en")


def language_for(wanted: str | None, browser: str | None) -> str:
    """The language of the page: the wanted one, else the browser's, else English.

    >>> language_for(None, "zh-CN"), language_for("en", "zh-CN"), language_for(None, "fr")
    ('zh', 'en', 'en')
    """
    for tag in (wanted, browser):
        primary = (tag or "").lower().replace("_", "-").partition("-")[0]
        if primary in LANGUAGES:
            return primary
    return _DEFAULT


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of nested tables by their dotted keys."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)

"""Every text of the page, in English and in Chinese: one table, and the way to say a line of it.

    say = Say("zh")
    say("nav.search")                -> "搜索"
    say.count("document", 1200)      -> "1,200 篇文档"

A key is AREA.NAME. What varies stands in braces, the same names in both languages; a noun that is counted has
the lines `count.NOUN.one` and `count.NOUN.other`. Lines are plain text: views escape them, and widgets that
read Markdown get none of it. The terminal speaks English and takes shared lines from here with `ENGLISH`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

TABLE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # what stands on every tab
        "frame.loading": ("Loading the models …", "正在加载模型 ……"),
        "frame.other_language": ("中文", "English"),
        "frame.other_language_help": ("用中文显示界面", "Show the page in English"),
        "nav.ask": ("Ask", "提问"),
        "nav.search": ("Search", "搜索"),
        "nav.collection": ("Collection", "文档库"),
        "nav.questionnaire": ("Questionnaire", "问卷"),
        "nav.teach": ("Teach", "教导"),
        "nav.models": ("Models", "模型"),
        "nav.quality": ("Quality", "质量"),
        # nouns that are counted
        "count.document.one": ("{count} document", "{count} 篇文档"),
        "count.document.other": ("{count} documents", "{count} 篇文档"),
        "count.passage.one": ("{count} passage", "{count} 个段落"),
        "count.passage.other": ("{count} passages", "{count} 个段落"),
    }
)


@dataclass(frozen=True, slots=True)
class Say:
    """The page's voice in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """The line of that key with its values put in; KeyError for a key or value that is missing."""
        line = TABLE[key][LANGUAGES.index(self.language)]
        return line.format(**values) if values else line

    def count(self, noun: str, number: int) -> str:
        """A number with its noun.

        >>> Say("en").count("document", 1), Say("en").count("passage", 1200)
        ('1 document', '1,200 passages')
        """
        return self(f"count.{noun}.{'one' if number == 1 else 'other'}", count=f"{number:,}")

    @property
    def other(self) -> Language:
        """The language that the switch leads to."""
        return "zh" if self.language == "en" else "en"


ENGLISH = Say("en")


def language_for(asked: str | None, browser: str | None) -> Language:
    """The language of the page: the one asked for, else the browser's, else English.

    >>> language_for(None, "zh-CN"), language_for("en", "zh-CN"), language_for(None, "fr")
    ('zh', 'en', 'en')
    """
    for wanted in (asked, browser):
        primary = (wanted or "").lower().replace("_", "-").partition("-")[0]
        for language in LANGUAGES:
            if primary == language:
                return language
    return "en"

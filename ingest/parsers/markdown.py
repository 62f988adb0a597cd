"""Markdown, through the HTML it stands for: CommonMark with tables, strike-through and footnotes.

Front matter goes into the metadata. The HTML path does the rest, so that raw HTML inside Markdown, which is
common, needs no second treatment.
"""

from __future__ import annotations

import re
from functools import cache

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from ingest.conversion.text_builder import TextBuilder
from ingest.parsers.common.html_blocks import append_html
from ingest.text.encoding import decode

_TITLE_KEYS = ("title", "Title")


def parse_markdown(data: bytes, builder: TextBuilder) -> None:
    """Appends a Markdown document."""
    append_markdown(decode(data), builder)


def append_markdown(text: str, builder: TextBuilder, *, level: int = 0) -> None:
    """Appends what `text` says in Markdown; its front matter goes into the metadata."""
    environment: dict[str, object] = {}
    renderer = _renderer()
    tokens = renderer.parse(text, environment)
    for token in tokens:
        if token.type == "front_matter":
            _read_front_matter(token.content, builder)
    html = renderer.renderer.render(tokens, renderer.options, environment)
    append_html(html, builder, level=level)


@cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    renderer.use(front_matter_plugin).use(footnote_plugin)
    # The back arrows and numbers of footnotes are links, not words.
    renderer.add_render_rule("footnote_anchor", lambda *_: "")
    renderer.add_render_rule("footnote_ref", lambda *_: "")
    return renderer


def _is_tree(value: object) -> bool:
    return isinstance(value, list | dict | set | tuple)


def _read_front_matter(content: str, builder: TextBuilder) -> None:
    try:
        fields = yaml.safe_load(content)
    except yaml.YAMLError:
        builder.warnings.append("the front matter is no valid YAML and was left out")
        return
    if not isinstance(fields, dict):
        return
    for key, value in fields.items():
        # Values that are trees are no words, and a few aliases can make them larger than any memory.
        words = [word for word in (value if isinstance(value, list) else [value]) if not _is_tree(word)]
        text = re.sub(r"\s+", " ", ", ".join(str(word) for word in words if word is not None)).strip()
        if not text:
            continue
        if key in _TITLE_KEYS:
            builder.title = text
        else:
            builder.metadata[str(key)] = text

"""reStructuredText, read by docutils and walked as its own tree.

Sphinx documents are the common case, and docutils knows none of Sphinx's roles and directives: an unknown
role keeps its words, an unknown directive its content, and no system message ever reaches the text. Nothing
is included from other files and no raw markup is carried out.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser
from docutils.utils import new_document

from ingest.conversion.text_builder import TextBuilder
from ingest.parsers.common.html_blocks import append_html
from ingest.parsers.common.raised import lowered, raised
from ingest.parsers.common.table import Cell, lines, spread
from ingest.text.encoding import decode
from ingest.text.normalise import squeeze

_ROLE = re.compile(r"^:[\w:+.-]+:`(.*)`$|^`(.*)`:[\w:+.-]+:$|^`(.*)`_{0,2}$", re.DOTALL)
_MARKED = re.compile(r":[\w:+.-]{1,80}:`[^`]*`|`[^`]+`_{0,2}|``[^`]+``")
_TARGET = re.compile(r"(?<!\s)\s*<[^<>]*>$")
_DIRECTIVE = re.compile(r"^\s*\.\.\s+[\w:.+-]+::[ \t]*(.*)", re.DOTALL)
_OPTION = re.compile(r"^\s*:[\w-]+:.*$")
_FIELD = re.compile(r"\A(?:[A-Z][\w-]*:.*\n(?:[ \t]+\S.*\n)*)+(?=\s*\n|\Z)")
_PEP_TITLE = re.compile(r"^Title:[ \t]*(.+)$", re.MULTILINE)
_CHANGES = {
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "versionremoved": "Removed in version",
    "deprecated": "Deprecated since version",
    "deprecated-removed": "Deprecated since version",
}
_CONDITIONS = frozenset("only ifconfig tabularcolumns hlist container cssclass rst-class".split())
_DEEPEST_SUBSTITUTION = 5
_MOST_SUBSTITUTIONS = 10_000
# These name a language or a file, not words to be read.
_SILENT = frozenset(
    """
    highlight toctree contents index include literalinclude image module currentmodule
    tabularcolumns sectionauthor codeauthor default-domain py:module py:currentmodule
    """.split()
)


def parse_rst(data: bytes, builder: TextBuilder) -> None:
    """Appends a reStructuredText document."""
    text = _mail_style_header(decode(data), builder)
    document = _tree(text)
    _Walker(builder, document).children(document)


def _tree(text: str, known: nodes.document | None = None) -> nodes.document:
    """The parsed text; what it does not define itself may be defined in the document around it."""
    settings = get_default_settings(Parser)  # type: ignore[no-untyped-call,unused-ignore]
    settings.report_level = 5
    settings.halt_level = 5
    settings.warning_stream = False
    settings.file_insertion_enabled = False
    settings.raw_enabled = False
    settings.syntax_highlight = "none"
    settings.smart_quotes = False
    document = new_document("document", settings)
    Parser().parse(text, document)
    around = known or document
    _substitute(
        document,
        {**around.substitution_defs, **document.substitution_defs},
        {**around.substitution_names, **document.substitution_names},
    )
    return document


def _substitute(
    document: nodes.document, definitions: dict[str, nodes.Element], names: dict[str, str]
) -> None:
    """Puts what `|name|` stands for in its place; a name that nothing defines stays."""
    for _ in range(_DEEPEST_SUBSTITUTION):
        references = list(document.findall(nodes.substitution_reference))
        changed = False
        for reference in references:
            name = str(reference.get("refname", ""))
            definition = definitions.get(name) or definitions.get(names.get(name.lower(), ""))
            if definition is not None and len(references) <= _MOST_SUBSTITUTIONS:
                reference.replace_self([child.deepcopy() for child in definition.children])
                changed = True
        if not changed:
            return


def _mail_style_header(text: str, builder: TextBuilder) -> str:
    """Python enhancement proposals begin like a letter; their fields become lines and metadata."""
    header = _FIELD.match(text)
    title = header and _PEP_TITLE.search(header[0])
    if not header or not title:
        return text
    builder.title = squeeze(title[1])
    fields = re.findall(r"^([A-Z][\w-]*):((?:.*\n?(?:[ \t]+\S.*\n)*))", header[0], re.MULTILINE)
    lines = [f"{name}: {squeeze(value)}" for name, value in fields if squeeze(value)]
    builder.block("\n".join(lines))
    builder.metadata.update({name.lower(): squeeze(value) for name, value in fields if squeeze(value)})
    return text[header.end() :]


class _Walker:
    """Appends a docutils tree block by block."""

    def __init__(self, builder: TextBuilder, document: nodes.document) -> None:
        self.builder = builder
        self.document = document
        self.level = 1

    def children(self, node: nodes.Element, prefix: str = "") -> None:
        for child in node.children:
            if isinstance(child, nodes.Element):
                self.visit(child, prefix)
                prefix = ""

    def visit(self, node: nodes.Element, prefix: str = "") -> None:
        """Appends one node; `prefix` stands before its first words (a bullet, a term)."""
        if isinstance(node, _SILENT_NODES):
            return
        for kinds, append in _KINDS:
            if isinstance(node, kinds):
                append(self, node)
                return
        if isinstance(node, nodes.TextElement):
            self.builder.paragraph(prefix + _words(node))
        else:
            self.children(node, prefix)

    def section(self, node: nodes.Element) -> None:
        self.level += 1
        self.children(node)
        self.level -= 1

    def verbatim(self, node: nodes.Element) -> None:
        self.builder.block(node.astext())

    def lines(self, node: nodes.Element) -> None:
        self.builder.block("\n".join(_words(line) for line in node.findall(nodes.line)))

    def footnote(self, node: nodes.Element) -> None:
        label = node.next_node(nodes.label)
        mark = f"[{label.astext()}] " if label is not None else ""
        for child in node.children:
            if isinstance(child, nodes.Element) and not isinstance(child, nodes.label):
                self.visit(child, mark)
                mark = ""

    def picture(self, node: nodes.Element) -> None:
        self.builder.paragraph(node.get("alt", ""))

    def title(self, node: nodes.Element) -> None:
        parent = node.parent
        if isinstance(parent, nodes.section | nodes.document):
            self.builder.heading(max(1, self.level - 1), _words(node))
        else:
            self.builder.paragraph(_words(node))

    def list_(self, node: nodes.Element) -> None:
        """Simple items on lines of their own, items of several paragraphs as paragraphs."""
        nested = isinstance(node.parent, nodes.list_item)
        start = int(node.get("start", 1))
        for index, item in enumerate(child for child in node.children if isinstance(child, nodes.list_item)):
            mark = f"{start + index}. " if isinstance(node, nodes.enumerated_list) else "- "
            first, *rest = item.children or [nodes.paragraph()]
            if isinstance(first, nodes.paragraph):
                add = self.builder.line if index or nested else self.builder.paragraph
                add(mark + _words(first))
            elif isinstance(first, nodes.Element):
                self.visit(first, mark)
            for child in rest:
                if isinstance(child, nodes.Element):
                    self.visit(child)

    def term(self, node: nodes.Element) -> None:
        """A term and its definition belong together on one line."""
        terms = [
            _words(child)
            for child in node.children
            if isinstance(child, nodes.term | nodes.classifier | nodes.field_name | nodes.option_group)
        ]
        term = " : ".join(terms)
        bodies = [
            child
            for child in node.children
            if isinstance(child, nodes.definition | nodes.field_body | nodes.description)
        ]
        first = next((child for body in bodies for child in body.children), None)
        if not isinstance(first, nodes.paragraph):
            self.builder.paragraph(term)
            term = ""
        for body in bodies:
            self.children(body, f"{term}: " if term else "")

    def table(self, node: nodes.Element) -> None:
        for title in node.findall(nodes.title):
            self.builder.paragraph(_words(title))
        head = {id(row) for part in node.findall(nodes.thead) for row in part.findall(nodes.row)}
        stubs = [bool(column.get("stub")) for column in node.findall(nodes.colspec)]
        rows = [
            [
                _cell(cell, id(row) in head or (not at and stubs[:1] == [True]))
                for at, cell in enumerate(row.children)
            ]
            for row in node.findall(nodes.row)
        ]
        for index, text in enumerate(lines(spread(rows), guess=not head)):
            (self.builder.line if index else self.builder.paragraph)(text)

    def unknown(self, message: nodes.Element) -> None:
        """A directive that docutils does not know comes back as its own source: keep what it says."""
        for source in message.findall(nodes.literal_block):
            match = _DIRECTIVE.match(source.astext())
            if match is None:
                continue
            name = source.astext().split("::")[0].split()[-1].split(":")[-1]
            if name in _SILENT:
                continue
            argument, _, content = match[1].partition("\n")
            self.directive(name, _without_marks(argument.strip()), content)

    def directive(self, name: str, argument: str, content: str) -> None:
        """What a directive of Sphinx shows: its argument, unless that is a condition, and its content."""
        rows = content.split("\n")
        while rows and (not rows[0].strip() or _OPTION.match(rows[0])):
            rows.pop(0)
        source = textwrap.dedent("\n".join(rows)).strip("\n")
        if name == "raw":
            if argument.lower().startswith("html"):
                append_html(source, self.builder, level=self.level - 1)
            return
        if name in _CHANGES:
            version, _, words = argument.partition(" ")
            argument = f"{_CHANGES[name]} {version}: {words}".strip().removesuffix(":") if not source else ""
            if not argument:
                source = f"{_CHANGES[name]} {version}: {words} {source}"
        elif name in _CONDITIONS:
            argument = ""
        self.builder.paragraph(argument)
        if source:
            self.children(_tree(source, self.document))


_SILENT_NODES = (nodes.comment, nodes.substitution_definition, nodes.target, nodes.pending)
_KINDS: tuple[tuple[type[nodes.Element] | tuple[type[nodes.Element], ...], Callable[..., None]], ...] = (
    (nodes.system_message, _Walker.unknown),
    (nodes.section, _Walker.section),
    ((nodes.title, nodes.subtitle), _Walker.title),
    ((nodes.literal_block, nodes.doctest_block, nodes.math_block), _Walker.verbatim),
    (nodes.line_block, _Walker.lines),
    ((nodes.bullet_list, nodes.enumerated_list), _Walker.list_),
    ((nodes.definition_list_item, nodes.field, nodes.option_list_item), _Walker.term),
    ((nodes.footnote, nodes.citation), _Walker.footnote),
    (nodes.table, _Walker.table),
    (nodes.image, _Walker.picture),
)


def _words(node: nodes.Node) -> str:
    """The words of a node on one line, roles resolved to what is read and without footnote marks."""
    return squeeze("".join(_inline(node)))


def _inline(node: nodes.Node) -> list[str]:
    if isinstance(node, nodes.Text):
        return [node.astext()]
    if isinstance(node, nodes.system_message | nodes.footnote_reference | nodes.substitution_definition):
        return []
    if isinstance(node, nodes.problematic):
        return [_role_words(node.astext())]
    if isinstance(node, nodes.image):
        return [node.get("alt", "")]
    parts: list[str] = []
    for child in node.children:
        if isinstance(child, nodes.superscript | nodes.subscript):
            change = raised if isinstance(child, nodes.superscript) else lowered
            parts.append(change("".join(parts)[-40:].rstrip("\x00"), child.astext()))
            continue
        parts += _inline(child)
        if isinstance(child, nodes.paragraph | nodes.list_item | nodes.term):
            parts.append(" ")
    return parts


def _cell(cell: nodes.Node, is_name: bool) -> Cell:
    entry = cell if isinstance(cell, nodes.Element) else nodes.entry()
    return Cell(_words(cell), is_name, 1 + int(entry.get("morerows", 0)), 1 + int(entry.get("morecols", 0)))


def _without_marks(source: str) -> str:
    """The words of source text that was never parsed."""
    return _MARKED.sub(lambda match: _role_words(match[0]).strip("`"), source)


def _role_words(source: str) -> str:
    """`:func:`~os.path.join`` is read as `os.path.join`, `:ref:`words <target>`` as its words."""
    match = _ROLE.match(source)
    if match is None:
        return source
    words = next(group for group in match.groups() if group is not None)
    return _TARGET.sub("", words).lstrip("~!") or words

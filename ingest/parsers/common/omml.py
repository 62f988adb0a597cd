"""Formulas in Word files as one line of text, where the converter would leave a gap in the sentence.

Word keeps formulas in a mark-up of its own (OMML), which mammoth skips. Each becomes a run of words
in its paragraph: fractions as `(a)/(b)`, raised and lowered parts as `x^(2)` and `x_(i)`, roots as `√(x)`.
It is no typesetting: it keeps the sentence whole and its symbols findable.
"""

from __future__ import annotations

from collections import defaultdict

from lxml import etree

from ingest.parsers.common.html_blocks import Element

_MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_APPLIED = "\u2061"  # stands unseen between a function and what it is applied to

# How the parts of each element are written on one line.
_FORMS = {
    "f": "({num})/({den})",
    "sSup": "{e}^({sup})",
    "sSub": "{e}_({sub})",
    "sSubSup": "{e}_({sub})^({sup})",
    "func": "{fName} {e}",
    "limLow": "{e}_({lim})",
    "nary": "{sign}_({sub})^({sup}) {e}",
    "rad": "√({e})",
}


def replace_formulas(root: Element) -> None:
    """Puts a run of words in the place of every formula."""
    for formula in list(root.iter(f"{{{_MATH}}}oMath")):
        _replace(formula)


def _replace(formula: Element) -> None:
    parent = formula.getparent()
    if parent is None:
        return
    run = etree.Element(f"{{{_WORD}}}r")
    text = etree.SubElement(run, f"{{{_WORD}}}t")
    text.text = f" {_text(formula)} "
    run.tail = formula.tail
    # A formula on a line of its own stands in a wrapper that the converter passes over as well.
    if parent.tag == f"{{{_MATH}}}oMathPara":
        parent.addprevious(run)
    else:
        parent.replace(formula, run)


def formula_text(element: Element) -> str:
    """The formulas below an element on one line."""
    return " ".join(_text(formula) for formula in element.iter(f"{{{_MATH}}}oMath"))


def _text(element: Element) -> str:
    name = etree.QName(element).localname
    if name == "t":
        return (element.text or "").replace(_APPLIED, " ")
    if name == "d":
        return f"({', '.join(_text(child) for child in element if child.tag == f'{{{_MATH}}}e')})"
    children = [child for child in element if isinstance(child.tag, str)]
    if name not in _FORMS:
        return "".join(map(_text, children))
    parts = defaultdict(str, ((etree.QName(child).localname, _text(child)) for child in children))
    if name == "nary":
        parts["sign"] = _sign(element)
    return _FORMS[name].format_map(parts).replace("_()", "").replace("^()", "")


def _sign(element: Element) -> str:
    """The sign of a sum, product or integral; Word writes none where it is an integral."""
    sign = element.find(f"{{{_MATH}}}naryPr/{{{_MATH}}}chr")
    return sign.get(f"{{{_MATH}}}val", "∫") if sign is not None else "∫"

"""The reasons for a question and a passage as one HTML page, or the attention alone as SVG (pure).

Everything is in the file: no script, no style sheet, nothing from the network. Text from questions and
documents gets in escaped only. A word's hue says for or against and its strength how much; words against are
underlined with dots as well, so that colour is not needed, and every word carries its number as a title.
"""

from __future__ import annotations

import base64
import html
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.records import Span
from qa.explanation.pair_report import Attention, Reasons
from qa.explanation.records import TokenWeight

_CELL, _GAP, _MARGIN = 84, 8, 54
_STYLE = Path(__file__).parent / "static" / "explain.css"


def reasons_page(reasons: Reasons) -> str:
    """The whole page."""
    near, answered = reasons.similarity, reasons.attribution
    parts = [
        f"<h1>{_escape(reasons.question)}</h1>",
        f"<h2>Near by these words: cosine {near.cosine:.3f}</h2>",
        '<p class="note">What each word adds to the cosine of the encoder\'s two vectors, against the same '
        "text with all words blanked out (integrated gradients; each side by itself; the shares add up).</p>",
        _shaded(reasons.question, near.question.words),
        _shaded(reasons.passage, near.passage.words),
    ]
    if answered is not None and reasons.answer is not None:
        start, end = reasons.answer.start, reasons.answer.end
        parts += [
            f"<h2>Answered by these words: &ldquo;{_escape(reasons.passage[start:end])}&rdquo;</h2>",
            f'<p class="note">What each word adds to the log-odds ({answered.target_log_odds:+.2f}) of the '
            "reader for this span against &ldquo;no answer&rdquo;. The span is framed.</p>",
            _shaded(reasons.question, answered.question),
            _shaded(reasons.passage, answered.passage, reasons.answer),
        ]
    parts += [
        "<h2>Where the reader's attention goes</h2>",
        '<p class="note">Attention shows where information could flow. It is no measure of importance: that '
        "is what the words above are shaded by. Rollout follows the attention of all layers, with the "
        "residual connections, back to words (Abnar and Zuidema 2020).</p>",
        _rolled(reasons),
        "<h2>Every head of every layer</h2>",
        '<p class="note">A row of a map is a token that collects, a column one it collects from; the darker, '
        "the more. The first token stands at the top left.</p>",
        attention_svg(reasons.attention),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_escape(reasons.question)}</title>"
        f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def attention_svg(attention: Attention) -> str:
    """All heads as small maps, a row for each layer; the last column is the layer's mean."""
    layers, heads = attention.weights.shape[:2]
    step = _CELL + _GAP
    width, height = _MARGIN + (heads + 1) * step, 24 + layers * step
    parts = [
        f'<text x="{_MARGIN + head * step + _CELL / 2:g}" y="14" text-anchor="middle">'
        f"{f'head {head + 1}' if head < heads else 'mean'}</text>"
        for head in range(heads + 1)
    ]
    for layer in range(layers):
        y = 22 + layer * step
        parts.append(f'<text x="0" y="{y + _CELL / 2:g}">layer {layer + 1}</text>')
        maps = [*attention.weights[layer], attention.weights[layer].mean(axis=0)]
        for head, weights in enumerate(maps):
            x = _MARGIN + head * step
            parts.append(
                f"<g><title>{_busiest(attention, weights)}</title>{_image(weights, x, y, _CELL)}"
                f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="none" stroke="#d5d9de"/></g>'
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img"><title>Attention by layer and head</title>'
        f"<style>text {{ font: 11px sans-serif; fill: #3d4550; }}</style>{''.join(parts)}</svg>"
    )


def png(weights: NDArray[np.float32]) -> bytes:
    """A grey PNG, white for 0 and black for the largest weight; the root of a weight is drawn, so that small
    ones show."""
    largest = float(weights.max(initial=0.0)) or 1.0
    shade = 255 - np.rint(255 * np.sqrt(np.clip(weights / largest, 0, 1))).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in shade)
    height, width = shade.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _image(weights: NDArray[np.float32], x: float, y: float, size: float) -> str:
    """The matrix as an SVG image of `size` by `size` at (x, y).

    One pixel for each weight, drawn without smoothing: 72 maps of 300 tokens stay under a megabyte, where as
    many rectangles would choke a browser.
    """
    data = base64.b64encode(png(weights)).decode()
    return (
        f'<image x="{x:g}" y="{y:g}" width="{size:g}" height="{size:g}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
    )


def _busiest(attention: Attention, weights: NDArray[np.float32]) -> str:
    """The three strongest links between words, for the tooltip of a map."""
    own = np.array([piece.side != "frame" for piece in attention.pieces])
    seen = np.where(own[:, None] & own[None, :] & ~np.eye(len(own), dtype=bool), weights, 0.0)
    places = np.argsort(-seen, axis=None)[:3]
    links = [np.unravel_index(place, seen.shape) for place in places]
    return _escape(
        "; ".join(
            f"{attention.pieces[i].text} \N{RIGHTWARDS ARROW} {attention.pieces[j].text} {seen[i, j]:.2f}"
            for i, j in links
        )
    )


def _rolled(reasons: Reasons) -> str:
    """The passage shaded by the rollout of the answer's tokens, or of the first token without an answer."""
    pieces, answer = reasons.attention.pieces, reasons.answer
    rows = [
        row
        for row, piece in enumerate(pieces)
        if answer is not None
        and piece.side == "passage"
        and piece.start < answer.end
        and piece.end > answer.start
    ]
    mean = reasons.attention.rollout[rows or [0]].mean(axis=0)
    words: dict[str, list[TokenWeight]] = {"question": [], "passage": []}
    for piece, weight in zip(pieces, mean.tolist(), strict=True):
        if piece.text:
            words[piece.side].append(
                TokenWeight(text=piece.text, start=piece.start, end=piece.end, weight=weight)
            )
    collector = "the answer's tokens collect" if rows else "the first special token collects"
    framed = float(sum(mean[row] for row, piece in enumerate(pieces) if not piece.text))
    return (
        f'<p class="note">What {collector}; {framed:.0%} of it comes from the special tokens, not shown.</p>'
        + _shaded(reasons.question, _without_overlap(words["question"]))
        + _shaded(reasons.passage, _without_overlap(words["passage"]), answer)
    )


def _without_overlap(words: Sequence[TokenWeight]) -> list[TokenWeight]:
    """Pieces of one character, which a vocabulary may have several of, drawn once."""
    kept: list[TokenWeight] = []
    for word in words:
        if not kept or word.start >= kept[-1].end:
            kept.append(word)
    return kept


def _shaded(text: str, words: Sequence[TokenWeight], answer: Span | None = None) -> str:
    strongest = max((abs(word.weight) for word in words), default=0.0) or 1.0
    pieces, place = [], 0
    for word in words:
        share = abs(word.weight) / strongest
        hue = "31,148,128" if word.weight > 0 else "192,91,77"
        inside = answer is not None and word.start < answer.end and word.end > answer.start
        classes = " ".join(
            name
            for name, holds in (("against", word.weight < 0 and share > 0.1), ("answer", inside))
            if holds
        )
        pieces.append(_escape(text[place : word.start]))
        pieces.append(
            f'<span class="{classes}" style="background:rgba({hue},{0.65 * share:.2f})" '
            f'title="{word.weight:+.4f}">{_escape(text[word.start : word.end])}</span>'
        )
        place = word.end
    pieces.append(_escape(text[place:]))
    return f'<div class="text" dir="auto">{"".join(pieces)}</div>'


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

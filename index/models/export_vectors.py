"""Documents or lines to a file of vectors: what `spanwise embed` does.

Everything streams: documents are parsed, cut into passages that fit the model's window, and the vectors of a
few hundred at a time are written. A passage is read with its title and headings before it, as a search stores
it, words and tokens within the passage alone, a sentence by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from index.errors import DataError
from index.models.vector_files import VectorSink, vector_file
from index.models.vectorizer import Vectorizer
from index.protocols import Vectors
from ingest.batches import batched
from ingest.chunking.split import ChunkSettings, embedding_text, split
from ingest.conversion.convert import document_from_text
from ingest.conversion.parser_pool import ingest_paths
from ingest.records import UNDETERMINED, Document, Rejected, Text
from ingest.text.sentences import stripped_sentences

Unit = Literal["token", "word", "sentence", "passage"]
_PASSAGES_AT_ONCE = 256

Place = tuple[str, int, int, str]  # path, start, end, text
Whole = Callable[[Sequence[str]], Vectors]


@dataclass(slots=True, kw_only=True)
class EmbedReport:
    """What was written: `rows` vectors of `dimension` of so many documents (or lines); `cut` did not fit."""

    out: str
    unit: Unit
    dimension: int
    rows: int = 0
    documents: int = 0
    cut: int = 0
    seconds: float = 0.0
    rejected: list[Rejected] = field(default_factory=list)


def embed_to_file(
    source: Iterable[Document | Rejected],
    out: Path,
    vectorizer: Vectorizer,
    *,
    unit: Unit = "passage",
    whole: Whole | None = None,
    progress: Callable[[EmbedReport], None] | None = None,
) -> EmbedReport:
    """The vectors of all parts of all documents into the file `out` (.npy or .parquet).

    `whole` makes the vectors of sentences and passages in the vectorizer's place (an encoder's
    `encode_passages`: the very vectors of a search, from the fastest engine). Raises DataError where `out`
    cannot be written.
    """
    began = time.monotonic()
    report = EmbedReport(out=str(out), unit=unit, dimension=vectorizer.dimension)
    with vector_file(out, vectorizer.dimension) as sink:
        for batch in batched(_passages(source, vectorizer, report), _PASSAGES_AT_ONCE):
            for places, vectors in _vectors(batch, vectorizer, unit, whole or vectorizer.whole):
                _write(sink, places, vectors, report)
            if progress is not None:
                progress(report)
    report.cut = vectorizer.cut
    report.seconds = time.monotonic() - began
    return report


def lines_as_documents(lines: Iterable[str], name: str) -> Iterator[Document]:
    """Every line that is not blank as a document of its own; its path is the line's number."""
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r\n")
        if text.strip():
            document = document_from_text(Text(id=f"{name}:{number}", text=text), language=UNDETERMINED)
            yield replace(document, title="")  # its number is no context of it


def documents_below(paths: Sequence[str | Path]) -> Iterator[Document | Rejected]:
    """Every file at and below `paths`; raises DataError where there is no such path."""
    missing = [path for path in paths if not Path(path).expanduser().exists()]
    if missing:
        raise DataError(f"there is no {missing[0]}", hint="check the path")
    yield from ingest_paths([Path(path).expanduser() for path in paths])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    path: str
    start: int
    text: str
    title: str = ""
    headings: tuple[str, ...] = ()
    language: str = UNDETERMINED


def _passages(
    source: Iterable[Document | Rejected], vectorizer: Vectorizer, report: EmbedReport
) -> Iterator[_Shown]:
    chunking = ChunkSettings.for_window(
        vectorizer.max_tokens, special_tokens=vectorizer.tokenizer.single.size
    )
    for item in source:
        if isinstance(item, Rejected):
            report.rejected.append(item)
            continue
        report.documents += 1
        for passage in split(item, vectorizer.tokenizer, chunking):
            yield _Shown(
                path=item.path,
                start=passage.start,
                text=passage.text,
                title=item.title,
                headings=passage.headings,
                language=item.language,
            )


def _vectors(
    batch: Sequence[_Shown], vectorizer: Vectorizer, unit: Unit, whole: Whole
) -> Iterator[tuple[list[Place], Vectors]]:
    if unit in ("token", "word"):
        for shown in batch:
            found = vectorizer.tokens(shown.text) if unit == "token" else vectorizer.words(shown.text)
            spans = found.spans.tolist()
            yield [_place(shown, start, end) for start, end in spans], found.vectors
        return
    if unit == "passage":
        # With its title and headings, as a search stores it.
        texts = [embedding_text(shown.title, shown.headings, shown.text) for shown in batch]
        yield [_place(shown, 0, len(shown.text)) for shown in batch], whole(texts)
        return
    places = [
        _place(shown, span.start, span.end)
        for shown in batch
        for span in stripped_sentences(shown.text, shown.language)
    ]
    if places:
        yield places, whole([text for _, _, _, text in places])


def _place(shown: _Shown, start: int, end: int) -> Place:
    return shown.path, shown.start + start, shown.start + end, shown.text[start:end]


def _write(sink: VectorSink, places: Sequence[Place], vectors: Vectors, report: EmbedReport) -> None:
    if places:
        sink.add(places, np.asarray(vectors, dtype=np.float32))
        report.rows += len(places)

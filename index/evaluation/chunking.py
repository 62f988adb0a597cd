"""Whether a chunking keeps together what answers a question: sizes and overlaps measured side by side.

    texts -> passages of each size -> a store of its own -> the same search as ever -> how much of what
    was asked for stands in what came, and how much else

For every setting the texts go through a temporary store. A larger passage holds more of everything, so that
what comes with it is reported beside what was wanted: the reader pays for both. Lengths are characters; text
that comes twice (overlap) counts twice in what was retrieved, as in Chroma's evaluation of chunking.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.datasets.chunking_references import ReferencedQuestion, ReferenceSet, read_references
from index.errors import DataError
from index.protocols import Encoder
from index.records import Hit, Mode
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.chunking.split import ChunkSettings, split
from ingest.conversion.convert import document_from_text
from ingest.records import Passage, Rejected, Span, Text

DEPTHS = (5, 10, 20)
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthScores:
    """Of the first `depth` passages found. `whole`: share of the references that one passage holds entirely.

    The others are means over questions. `recall`: share of the referenced characters that came, `precision`:
    share of what came that was referenced, `iou`: what both share of all that was referenced or came;
    `characters`: how much came.
    """

    depth: int
    whole: float
    recall: float
    precision: float
    iou: float
    characters: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkingScores:
    """One setting. `whole`: share of the references that some passage of the chunking holds entirely."""

    settings: ChunkSettings
    passages: int
    whole: float
    depths: tuple[DepthScores, ...]

    def as_json(self) -> dict[str, float | int]:
        """The machine-readable form."""
        row: dict[str, float | int] = {
            "size": self.settings.max_tokens,
            "overlap": self.settings.overlap,
            "passages": self.passages,
            "whole": self.whole,
        }
        for found in self.depths:
            for name in ("whole", "recall", "precision", "iou", "characters"):
                row[f"{name}@{found.depth}"] = getattr(found, name)
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkingReport:
    """All settings over one set of texts and questions."""

    rows: tuple[ChunkingScores, ...]
    documents: int
    questions: int
    references: int
    mode: Mode
    seconds: float

    def as_json(self) -> dict[str, object]:
        """The machine-readable form."""
        return {
            "documents": self.documents,
            "questions": self.questions,
            "references": self.references,
            "mode": str(self.mode),
            "settings": [row.as_json() for row in self.rows],
            "seconds": self.seconds,
        }


def evaluate_chunking(
    references: ReferenceSet | Path | str,
    *,
    encoder: Encoder,
    sizes: Sequence[int] = (),
    overlaps: Sequence[int] = (),
    mode: Mode | str = Mode.HYBRID,
    progress: Progress | None = None,
) -> ChunkingReport:
    """Every size with every overlap (the defaults where none are given) over a folder or a set read already.

    Sizes over the encoder's window are cut to it; an overlap over half of a size is passed over. `progress`
    is called with (done, all) settings. Raises DataError for files of another form and where no setting is
    left.
    """
    started = time.monotonic()
    given = references if isinstance(references, ReferenceSet) else read_references(Path(references))
    chosen = _settings(sizes, overlaps, encoder.passage_room)
    rows: list[ChunkingScores] = []
    for settings in chosen:
        rows.append(_measured(given, settings, encoder, Mode(mode)))
        if progress is not None:
            progress(len(rows), len(chosen))
    return ChunkingReport(
        rows=tuple(rows),
        documents=len(given.texts),
        questions=len(given.questions),
        references=sum(len(item.references) for item in given.questions),
        mode=Mode(mode),
        seconds=time.monotonic() - started,
    )


def _settings(sizes: Sequence[int], overlaps: Sequence[int], room: int) -> list[ChunkSettings]:
    defaults = ChunkSettings.for_window(room, special_tokens=0)
    found: dict[ChunkSettings, None] = {}
    for size in sizes or (defaults.max_tokens,):
        for overlap in overlaps or (defaults.overlap,):
            size = min(size, room)
            # A stub is a fifth of a passage, as it is by default.
            least = min(defaults.min_tokens, size // 5)
            try:
                found[ChunkSettings(max_tokens=size, min_tokens=least, overlap=overlap)] = None
            except ValueError:
                continue
    if not found:
        raise DataError(
            "no passage can be as small, or overlap as much",
            hint="give sizes from 16 up and overlaps of at most half of them",
        )
    return list(found)


def _measured(given: ReferenceSet, settings: ChunkSettings, encoder: Encoder, mode: Mode) -> ChunkingScores:
    texts = [Text(id=name, title=name, text=text) for name, text in given.texts.items()]
    cut = {text.id: _cut(text, settings, encoder) for text in texts}
    with (
        tempfile.TemporaryDirectory(prefix="spanwise-chunking-") as folder,
        Store.open(Path(folder) / "store", create=True, encoder=encoder) as store,
    ):
        store.add(texts, chunking=settings)
        queries = [item.question for item in given.questions]
        results = Retriever(store, encoder).search_many(queries, max(DEPTHS), mode)
    asked = [
        (item, [_Found.of(hit, item.corpus) for hit in result.hits])
        for item, result in zip(given.questions, results, strict=True)
    ]
    return ChunkingScores(
        settings=settings,
        passages=sum(len(passages) for passages in cut.values()),
        whole=_whole((item, cut[item.corpus]) for item in given.questions),
        depths=tuple(_depth_scores(asked, depth) for depth in DEPTHS),
    )


def _cut(text: Text, settings: ChunkSettings, encoder: Encoder) -> list[Span]:
    document = document_from_text(text)
    if isinstance(document, Rejected):
        return []
    return [_span(passage) for passage in split(document, encoder.tokenizer, settings)]


def _span(passage: Passage) -> Span:
    return Span(start=passage.start, end=passage.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A passage that came; `here` says whether it is of the text that answers the question."""

    span: Span
    here: bool

    @classmethod
    def of(cls, hit: Hit, corpus: str) -> _Found:
        return cls(span=_span(hit.passage), here=f"text:{corpus}" in hit.document.paths)


def _whole(held: Iterable[tuple[ReferencedQuestion, Sequence[Span]]]) -> float:
    """The share of all references that one of their spans holds entirely."""
    kept = [
        any(span.start <= reference.start and reference.end <= span.end for span in spans)
        for question, spans in held
        for reference in question.references
    ]
    return sum(kept) / len(kept)


def _depth_scores(asked: Sequence[tuple[ReferencedQuestion, Sequence[_Found]]], depth: int) -> DepthScores:
    first = [(question, found[:depth]) for question, found in asked]
    scores = [_overlap(question, found) for question, found in first]
    recall, precision, iou, characters = (sum(column) / len(scores) for column in zip(*scores, strict=True))
    return DepthScores(
        depth=depth,
        whole=_whole((question, [item.span for item in found if item.here]) for question, found in first),
        recall=recall,
        precision=precision,
        iou=iou,
        characters=characters,
    )


def _overlap(question: ReferencedQuestion, found: Sequence[_Found]) -> tuple[float, float, float, float]:
    """Recall, precision, intersection over union, and the characters that came."""
    wanted = {place for reference in question.references for place in range(reference.start, reference.end)}
    came = {place for item in found if item.here for place in range(item.span.start, item.span.end)}
    right, characters = len(wanted & came), sum(len(item.span) for item in found)
    union = characters + len(wanted) - right
    return right / len(wanted), right / characters if characters else 0.0, right / union, float(characters)

"""Adapting the encoder to a collection, judged by that collection's own questions before and after.

    sources: documents and folders, BEIR folders, SQuAD files (their paragraphs); none: the store's documents
    questions: BEIR folders and SQuAD files; nDCG@10 of search, and for SQuAD files the F1 of answers

Both measurements ask the same questions of the same collection with the same reader; only the encoder, and so
the vectors, differ.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from pathlib import Path

from index.checkpoints.files import read_folder
from index.checkpoints.presets import DEFAULT_PRESET
from index.datasets.beir import BeirSet, read_beir
from index.errors import DataError
from index.evaluation.bootstrap import Difference, compare
from index.evaluation.retrieval import compare_retrieval
from index.models.encoder import load_encoder
from index.records import Mode
from index.store.store import Store
from index.training.adapt_encoder import Adapted, Progress, adapt_encoder
from index.training.settings import Adaptation
from ingest.chunking.split import ChunkSettings, split
from ingest.conversion.convert import document_from_text
from ingest.conversion.parser_pool import ingest_paths
from ingest.records import UNDETERMINED, Document, Rejected, Text
from ingest.text.tokenizer import TextTokenizer
from qa.evaluation.evaluate import evaluate_answers
from qa.reading.reader import load_reader
from qa.squad.collection import context_names, judged_contexts
from qa.squad.dataset import read_squad

_LOG = logging.getLogger(__name__)
MODES = (Mode.DENSE, Mode.HYBRID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One set of questions: nDCG@10 by mode before and after, and answers' F1 if it labels any.

    `differences` are the gains in nDCG@10 by mode, with their interval over questions.
    """

    name: str
    questions: int
    ndcg_before: dict[str, float]
    ndcg_after: dict[str, float]
    differences: dict[str, Difference]
    f1_before: float | None = None
    f1_after: float | None = None


def adapt(
    settings: Adaptation,
    out: str | Path,
    *,
    store: Store | None = None,
    questions: Sequence[Path] = (),
    reader: str = DEFAULT_PRESET,
    limit: int | None = None,
    progress: Progress | None = None,
    asking: Callable[[int, int], None] | None = None,
) -> tuple[Adapted, tuple[Asked, ...]]:
    """Adapt as `settings` say, write the encoder into `out`, and ask `questions` before and after.

    `store` gives the texts where the settings name no sources; `limit` is the number of questions whose
    answers are read for each SQuAD file. Raises DataError, ModelNotFound and ModelError.
    """
    judged = [_judged(path) for path in questions]
    tokenizer = read_folder(settings.start, "encoder").tokenizer
    documents = _store_documents(store) if store and not settings.sources else _documents(settings.sources)
    if settings.at_most is not None:
        # As many documents as passages are wanted are enough; cutting up all the others takes minutes.
        documents = iter(nsmallest(settings.at_most, documents, key=lambda document: document.id))
    texts = passages_of(documents, tokenizer, settings.max_tokens)
    adapted = adapt_encoder(settings, texts, out, progress=progress)
    asked = tuple(
        _ask(path, collection, settings.start, str(adapted.folder), reader, limit, asking)
        for path, collection in zip(questions, judged, strict=True)
    )
    return adapted, asked


def passages_of(documents: Iterable[Document], tokenizer: TextTokenizer, max_tokens: int) -> Iterator[str]:
    """The texts of documents in passages that fit into `max_tokens` with their frame, so that none is cut."""
    chunking = ChunkSettings.for_window(max_tokens, special_tokens=tokenizer.single.size)
    for document in documents:
        for passage in split(document, tokenizer, chunking):
            yield passage.text


def _documents(sources: Sequence[str]) -> Iterator[Document]:
    if not sources:
        raise DataError(
            "there is nothing to adapt to", hint="name documents or folders, or a store with some"
        )
    for source in sources:
        path = Path(source).expanduser()
        if (path / "corpus.jsonl").exists() or (path / "corpus.jsonl.gz").exists():
            for item in read_beir(path).documents:
                if item.whole:
                    yield _plain(item.id, item.text or item.title)
        elif path.name.endswith((".json", ".json.gz")) and (squad := _contexts(path)) is not None:
            yield from (_plain(name, text) for text, name in squad.items())
        else:
            yield from _parsed(path)


def _plain(name: str, text: str) -> Document:
    document = document_from_text(Text(id=name, text=text), language=UNDETERMINED)
    return replace(document, title="")


def _contexts(path: Path) -> dict[str, str] | None:
    """The paragraphs of a SQuAD file and their names; None for other JSON, which is a document."""
    try:
        return context_names(read_squad(path).examples)
    except DataError:
        if path.name.endswith(".gz"):
            raise
        return None


def _parsed(path: Path) -> Iterator[Document]:
    for item in ingest_paths([path]):
        if isinstance(item, Rejected):
            _LOG.warning("%s is left out: %s (%s)", item.path, item.reason, item.detail)
        else:
            yield item


def _store_documents(store: Store) -> Iterator[Document]:
    return (store.document(info.id) for info in store.documents())


def _judged(path: Path) -> BeirSet:
    """Read before an hour's training, not after."""
    return judged_contexts(read_squad(path)) if path.is_file() else read_beir(path)


def _ask(
    path: Path,
    collection: BeirSet,
    start: str,
    adapted: str,
    reader: str,
    limit: int | None,
    progress: Callable[[int, int], None] | None,
) -> Asked:
    before, after = load_encoder(start), load_encoder(adapted)
    old, new = (
        compare_retrieval(collection, encoder=encoder, modes=MODES, progress=progress)
        for encoder in (before, after)
    )
    differences = {}
    for one, other in zip(new.reports, old.reports, strict=True):
        pairs = [(item.ndcg_at_10, other.questions[name].ndcg_at_10) for name, item in one.questions.items()]
        differences[one.mode.value] = compare([ours for ours, _ in pairs], [theirs for _, theirs in pairs])
    f1: list[float | None] = [None, None]
    if path.is_file():
        read = load_reader(reader)
        f1 = [
            evaluate_answers(path, read, encoder, limit=limit, progress=progress).forced.f1
            for encoder in (before, after)
        ]
    return Asked(
        name=collection.name,
        questions=len(collection.queries),
        ndcg_before={item.mode.value: item.scores.ndcg_at_10 for item in old.reports},
        ndcg_after={item.mode.value: item.scores.ndcg_at_10 for item in new.reports},
        differences=differences,
        f1_before=f1[0],
        f1_after=f1[1],
    )

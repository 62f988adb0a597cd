"""`spanwise label`: a classifier goes through a store and puts its labels on passages, or on whole files.

    passages of the store -> probabilities -> labels, anchored to the file and the passage's words

Labels of one classifier replace those that it gave before to the same files; labels by other authors stay.
Where the classifier needs only vectors and the store holds those of its encoder, nothing is encoded.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from index.ingestion.embed_passages import UNKNOWN_LIMIT
from index.models.classifier import Classifier, OnVectors, best_labels
from index.models.classifier_heads import Floats
from index.records import Filters, Label, StoredPassage
from index.store.store import Store

Unit = Literal["passage", "document"]

_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class LabellingReport:
    """What was labelled: how many of `unit` were looked at, and how many bear each label now.

    `unsure` were below the least probability, `unreadable` have words that the classifier does not know.
    `stored` is false after a trial run.
    """

    author: str
    unit: Unit
    looked_at: int
    counts: Mapping[str, int] = field(default_factory=dict)
    unsure: int = 0
    unreadable: int = 0
    stored: bool = True
    seconds: float = 0.0


def label_store(
    store: Store,
    classifier: Classifier,
    *,
    author: str,
    unit: Unit = "passage",
    least: float = 0.5,
    filters: Filters | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> LabellingReport:
    """Label what the filters let through; a label needs a probability of `least` to be given.

    A document's probabilities are the mean of its passages', weighed by their length. With `dry_run` nothing
    is stored. Raises what the store and the classifier raise.
    """
    began = time.monotonic()
    revision = store.catalog.revision()
    ids = store.catalog.filters.select(filters or Filters(), revision).passages
    tally = _Tally(classifier.labels, unit, least)
    done = 0
    for passages, probabilities in _judged(store, classifier, ids, revision):
        tally.take(passages, probabilities)
        done += len(passages)
        if progress:
            progress(done, len(ids))
    hashes = store.catalog.documents.content_hashes(sorted(tally.documents))
    labels = tally.labels(hashes)
    if not dry_run:
        store.catalog.annotations.replace_labels(author, labels, among=hashes.values())
    return LabellingReport(
        author=author,
        unit=unit,
        looked_at=tally.looked_at,
        counts=dict(Counter(label.name for label in labels).most_common()),
        unsure=tally.looked_at - tally.unreadable - len(labels),
        unreadable=tally.unreadable,
        stored=not dry_run,
        seconds=time.monotonic() - began,
    )


def _judged(
    store: Store, classifier: Classifier, ids: np.ndarray, revision: int
) -> Iterator[tuple[list[StoredPassage], Floats]]:
    """Passages, some at a time, and their probabilities; a row of zeros for what cannot be read."""
    fingerprint = store.catalog.settings.get("fingerprint")
    for first in range(0, len(ids), _AT_ONCE):
        part = ids[first : first + _AT_ONCE]
        stored = store.catalog.passages.get(part.tolist(), revision)
        passages = [stored[passage][0] for passage in part.tolist() if passage in stored]
        rows = np.zeros((len(passages), len(classifier.labels)), dtype=np.float32)
        if isinstance(classifier, OnVectors) and classifier.encoder_fingerprint == fingerprint:
            place = {passage.id: number for number, passage in enumerate(passages)}
            dimension = int(store.catalog.settings.get("dimension") or 0)
            for held, vectors in store.catalog.vectors.blocks(part, fingerprint, dimension, _AT_ONCE):
                known = [number for number, passage in enumerate(held.tolist()) if passage in place]
                if known:
                    rows[[place[int(held[n])] for n in known]] = classifier.of_vectors(vectors[known])
        else:
            readable = [
                number
                for number, passage in enumerate(passages)
                if classifier.unknown_share(passage.text) <= UNKNOWN_LIMIT
            ]
            if readable:
                rows[readable] = classifier.probabilities([(passages[n].text,) for n in readable])
        yield passages, rows


class _Tally:
    """What has been judged so far."""

    def __init__(self, labels: Sequence[str], unit: Unit, least: float) -> None:
        self._labels, self._unit, self._least = labels, unit, least
        self._passages = 0
        self._unreadable = 0
        self._found: list[tuple[str, StoredPassage]] = []
        self.documents: dict[str, Floats] = {}

    def take(self, passages: Sequence[StoredPassage], probabilities: Floats) -> None:
        """One more part of the passages."""
        self._passages += len(passages)
        best = best_labels(self._labels, probabilities) if len(passages) else []
        for passage, row, prediction in zip(passages, probabilities, best, strict=True):
            total = self.documents.setdefault(
                passage.document_id, np.zeros(len(self._labels), dtype=np.float32)
            )
            if not row.any():
                self._unreadable += 1
                continue
            total += row * max(1, len(passage.text))
            if prediction.probability >= self._least:
                self._found.append((prediction.label, passage))

    @property
    def looked_at(self) -> int:
        """How many passages, or documents."""
        return self._passages if self._unit == "passage" else len(self.documents)

    @property
    def unreadable(self) -> int:
        """How many of them had no words to judge by."""
        if self._unit == "passage":
            return self._unreadable
        return sum(not total.any() for total in self.documents.values())

    def labels(self, hashes: Mapping[str, str]) -> list[Label]:
        """What is to be stored; `hashes` are the files' SHA-256 by the documents' ids."""
        if self._unit == "passage":
            return [
                Label(
                    name=name,
                    content_sha256=hashes[passage.document_id],
                    quote=passage.text,
                    start=passage.start,
                )
                for name, passage in self._found
                if passage.document_id in hashes
            ]
        given = []
        for document, total in self.documents.items():
            if total.any() and document in hashes:
                share = total / total.sum()
                if share.max() >= self._least:
                    name = self._labels[int(share.argmax())]
                    given.append(Label(name=name, content_sha256=hashes[document]))
        return given

"""Labels put on a store by classifiers and by hand, and what a search makes of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from index.errors import DataError
from index.models.classifier import Texts
from index.models.classifier_heads import Floats
from index.models.zero_shot import NearestLabels, named_labels
from index.records import Filters, Mode
from index.search.retriever import Retriever
from index.store.label_store import label_store
from index.store.store import Store
from ingest.records import Text

PAGES = {
    "tides": "The tide comes in twice a day. " * 30 + "\n\n" + "The harbour master counts ships. " * 30,
    "cats": "A cat sleeps on the harbour wall. " * 10,
    "zh": "机器翻译很难。" * 40,
}


class ByWord:
    """Labels by whether a word stands in the text."""

    name = "by word"
    labels = ("ships", "water")

    def __init__(self) -> None:
        self.judged = 0

    def unknown_share(self, text: str) -> float:
        return 1.0 if "机" in text else 0.0

    def probabilities(self, items: Sequence[Texts]) -> Floats:
        self.judged += len(items)
        rows = [(0.9, 0.1) if "ships" in item[0] else (0.2, 0.8) for item in items]
        return np.array(
            [(0.5, 0.5) if "cat" in item[0] else row for item, row in zip(items, rows, strict=True)]
        )


@pytest.fixture
def filled(store: Store) -> Store:
    store.add(Text(id=name, title=name, text=text) for name, text in PAGES.items())
    return store


def test_passages_are_labelled_and_filtered_in_every_mode(filled: Store) -> None:
    report = label_store(filled, ByWord(), author="test", least=0.6)
    assert set(report.counts) == {"ships", "water"}
    assert report.stored
    assert (report.unsure, report.unreadable) == (1, filled.named("zh")[0].passages)
    assert sum(report.counts.values()) + report.unsure + report.unreadable == report.looked_at
    retriever = Retriever(filled)
    for mode in Mode:
        hits = retriever.search("harbour ships tide", k=20, mode=mode, filters=Filters(labels=("ships",)))
        assert hits
        assert all("ships" in hit.passage.text for hit in hits), mode
    everything = retriever.search("harbour", k=20, mode=Mode.DENSE)
    of = filled.catalog.annotations.labels_of([hit.passage.id for hit in everything])
    for hit in everything:
        expected = (
            ("ships",) if "ships" in hit.passage.text else ("water",) if "tide" in hit.passage.text else ()
        )
        assert of[hit.passage.id] == expected


def test_a_second_run_replaces_its_own_labels_only(filled: Store) -> None:
    label_store(filled, ByWord(), author="test", least=0.6)
    (cats,) = filled.named("cats")
    content = filled.catalog.documents.content_hashes([cats.id])[cats.id]
    assert filled.catalog.annotations.add_label("read", content)
    before = {count.name: count.places for count in filled.catalog.annotations.label_counts()}
    label_store(filled, ByWord(), author="test", least=0.6)
    assert {count.name: count.places for count in filled.catalog.annotations.label_counts()} == before
    trial = label_store(filled, ByWord(), author="test", least=0.85, dry_run=True)
    assert not trial.stored
    assert {count.name: count.places for count in filled.catalog.annotations.label_counts()} == before
    label_store(filled, ByWord(), author="test", least=0.95)
    assert {count.name for count in filled.catalog.annotations.label_counts()} == {"read"}
    hits = Retriever(filled).search("harbour", k=20, filters=Filters(labels=("read",)))
    assert {hit.document.title for hit in hits} == {"cats"}


def test_documents_by_the_mean_of_their_passages(filled: Store) -> None:
    report = label_store(filled, ByWord(), author="test", unit="document", least=0.51)
    assert report.looked_at == 3
    assert (report.unreadable, report.unsure) == (1, 1)
    (count,) = filled.catalog.annotations.label_counts()
    assert (count.files, count.places) == (1, 0)
    hits = Retriever(filled).search("tide harbour", k=20, filters=Filters(labels=(count.name,)))
    assert len(hits) > 1
    assert {hit.document.title for hit in hits} == {"tides"}


def test_nearest_labels_take_the_vectors_that_are_stored(filled: Store) -> None:
    encoder = filled.encoder
    labels = named_labels(["ships: harbour master counts ships", "water: tide comes in twice a day"])
    before = encoder.encoded  # type: ignore[attr-defined]
    classifier = NearestLabels(encoder, labels)
    report = label_store(filled, classifier, author="nearest", least=0.0)
    assert encoder.encoded == before + 2  # type: ignore[attr-defined]
    assert set(report.counts) == {"ships", "water"}
    text = "harbour master counts ships"
    assert classifier.probabilities([(text,)])[0].argmax() == 0
    with pytest.raises(DataError, match="no choice of labels"):
        named_labels(["one", "one"])

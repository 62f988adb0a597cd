"""One store with its models, shared by all sessions of the page (no streamlit).

Streamlit runs every session in a thread of its own. The store is safe to share; its models are not, see
`thread_safe_models`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from index.models.encoder import load_encoder
from index.records import DocumentInfo, Filters, Stats
from index.search.retriever import Retriever
from index.store.store import Store
from qa.answering.answerer import Answerer
from qa.protocols import Reader
from qa.reading.reader import exact_for, load_reader
from ui.services.jobs import Jobs
from ui.services.thread_safe_models import OneAtATimeEncoder, OneAtATimeReader
from ui.services.uploads import Uploads
from ui.services.url_state import folders_of


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What the store held at one revision; the lists are read when they are first looked at."""

    revision: int
    stats: Stats
    store: Store

    @cached_property
    def documents(self) -> tuple[DocumentInfo, ...]:
        """All documents. Of a long collection that takes a moment: only for what needs them all."""
        return self.store.documents()

    @cached_property
    def folders(self) -> list[str]:
        """Every folder that holds a document, in order."""
        return folders_of(self.store.paths())


class Library:
    """A store, its retriever and its answerer, ready for many threads."""

    def __init__(
        self,
        store: Store,
        answerer: Answerer,
        retriever: Retriever,
        *,
        fingerprint: str | None = None,
        reader: str | None = None,
    ) -> None:
        self.store = store
        self.answerer = answerer
        self.retriever = retriever
        self.examples: tuple[object, tuple[str, ...]] | None = None
        self._fingerprint = fingerprint
        self._reader = reader
        self._contents: Contents | None = None

    @classmethod
    def open(cls, path: Path, models: str | None) -> Self:
        """Open the store (an empty one is made where there is none) and load its models."""
        with Store.open(path, create=True, models=models) as store:
            chosen = store.models
        encoder = OneAtATimeEncoder(load_encoder(chosen.encoder))
        store = Store.open(path, models=models, encoder=encoder)
        loaded = load_reader(chosen.reader)

        def exact() -> Reader | None:
            found = exact_for(loaded)
            return None if found is None else OneAtATimeReader(found)

        return cls(
            store,
            Answerer(store, OneAtATimeReader(loaded), encoder, exact=exact),
            Retriever(store, encoder),
            fingerprint=encoder.fingerprint,
            reader=store.recorded_models()[1],
        )

    def revision(self) -> int:
        """The revision that the next question will see."""
        return self.store.snapshot().revision

    @property
    def outdated(self) -> bool:
        """Whether the store has come to another encoder or reader since it was opened here."""
        fingerprint, reader = self.store.recorded_models()
        return fingerprint not in (None, self._fingerprint) or reader != self._reader

    @property
    def jobs(self) -> Jobs:
        """Long work in processes of its own."""
        return Jobs(self.store.path)

    @property
    def uploads(self) -> Uploads:
        """Where uploaded files are kept."""
        return Uploads(self.store.uploads)

    def contents(self) -> Contents:
        """Figures and lists of the present revision, read once for each."""
        revision = self.revision()
        contents = self._contents
        if contents is None or contents.revision != revision:
            contents = Contents(revision=revision, stats=self.store.stats(), store=self.store)
            self._contents = contents
        return contents

    def labelled(self) -> dict[str, frozenset[str]]:
        """The ids of the documents that carry each label."""
        names = [count.name for count in self.store.label_counts()]
        return {
            name: frozenset(document.id for document in self.store.documents(Filters(labels=(name,))))
            for name in names
        }

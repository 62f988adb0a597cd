"""The contexts of a SQuAD file as a collection: a temporary store to ask, or judged documents to search.

    SquadFile -> one document for each distinct context, under its title -> Store in a temporary folder
                                                                         -> BeirSet

Evaluation and calibration measure on the same store, with the same meaning of "this passage holds the
answer". Nothing is asked here, and no user's store is touched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.datasets.beir import BeirDocument, BeirSet
from index.protocols import Encoder
from index.records import Hit
from index.store.store import Store
from ingest.records import Passage, Text
from qa.squad.dataset import Example, GoldAnswer, SquadFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A store of contexts; `names` gives the id under which each context was added."""

    store: Store
    names: Mapping[str, str]

    def holds_gold(self, hit: Hit, example: Example) -> bool:
        """Whether the hit's passage comes from the question's own context and wholly holds a gold span."""
        if f"text:{self.names[example.context]}" not in (hit.document.path, *hit.document.paths):
            return False
        return any(_holds(hit.passage, answer) for answer in example.answers)

    def gold_rank(self, hits: Iterable[Hit], example: Example) -> int | None:
        """The rank of the first hit that holds a gold span, None where none does."""
        return next((hit.rank for hit in hits if self.holds_gold(hit, example)), None)


def context_names(examples: Iterable[Example]) -> dict[str, str]:
    """An id for every distinct context, in the order of the file."""
    contexts = dict.fromkeys(example.context for example in examples)
    return {context: f"context-{number}" for number, context in enumerate(contexts, start=1)}


def judged_contexts(squad: SquadFile) -> BeirSet:
    """The file as a judged collection; questions without an answer are left out."""
    names = context_names(squad.examples)
    titles = {example.context: example.title for example in squad.examples}
    answerable = [example for example in squad.examples if example.answerable]
    return BeirSet(
        name=Path(squad.path).name,
        split="",
        documents=tuple(
            BeirDocument(id=name, title=titles[context], text=context) for context, name in names.items()
        ),
        queries={example.id: example.question for example in answerable},
        judgements={example.id: {names[example.context]: 1} for example in answerable},
        files=(Path(squad.path),),
    )


@contextmanager
def squad_collection(squad: SquadFile, encoder: Encoder) -> Iterator[Collection]:
    """The contexts of a file in a temporary store, texts unchanged, chunked by the default settings."""
    names = context_names(squad.examples)
    titles = {example.context: example.title for example in squad.examples}
    with (
        tempfile.TemporaryDirectory(prefix="spanwise-") as folder,
        Store.open(Path(folder) / "store", create=True, encoder=encoder) as store,
    ):
        store.add(Text(id=name, text=context, title=titles[context]) for context, name in names.items())
        yield Collection(store=store, names=names)


def _holds(passage: Passage, answer: GoldAnswer) -> bool:
    return passage.start <= answer.start and answer.start + len(answer.text) <= passage.end

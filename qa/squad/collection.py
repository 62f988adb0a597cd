"""All contexts of a SQuAD file as a temporary store, and where in it the gold answers stand.

    SquadFile -> one document for each distinct context, under its title -> Store in a folder that goes away

What everything that asks labelled questions of a whole collection shares: evaluation and calibration measure
on the same store, with the same meaning of "this passage holds the answer". It asks nothing itself and never
touches a user's store.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.protocols import Encoder
from index.records import Hit
from index.store.store import Store
from ingest.records import Passage, Text
from qa.squad.contexts import context_names
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

"""The contexts of a SQuAD file as one collection: what end-to-end and retrieval evaluation search.

Every distinct context is a document, its text unchanged, under its article's title; a question's own context
is the one that is judged relevant to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from index.datasets.beir import BeirDocument, BeirSet
from qa.squad.dataset import Example, SquadFile


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

"""The words and sentences of a collection that are nearest to a given one.

    words       each distinct word of the collection, read alone; the most frequent ones where there are many
    sentences   those of the passages that search finds nearest, each read alone

Nearest by the cosine of unit vectors. What a model reads as the same pieces as the question is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import regex

from index.ingestion.embed_passages import UNKNOWN_LIMIT
from index.models.encoder import unit_length
from index.protocols import Encoder, Vectors
from index.records import Mode
from index.search.retriever import Retriever
from index.store.store import Store
from ingest.text.sentences import stripped_sentences

MOST_WORDS = 20_000
_PASSAGES = 50
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\p{N}'’-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A word or sentence, its cosine to what was asked; how often a word occurs, where a sentence stands."""

    text: str
    cosine: float
    count: int | None = None
    path: str | None = None
    start: int | None = None
    end: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordVectors:
    """Distinct words, the most frequent first, how often each occurs, and their unit vectors (n, width)."""

    words: tuple[str, ...]
    counts: tuple[int, ...]
    vectors: Vectors


def count_words(texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs, upper and lower case counted under the more frequent form."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(_WORD.findall(text))
    forms: dict[str, str] = {}
    totals: Counter[str] = Counter()
    for word, count in seen.most_common():
        totals[forms.setdefault(word.casefold(), word)] += count
    return totals


def word_vectors(store: Store, encoder: Encoder, *, at_most: int = MOST_WORDS) -> WordVectors:
    """The words of all documents of the store that the encoder knows, with their vectors."""
    texts = (store.document(info.id).text for info in store.documents())
    counted = count_words(texts).most_common(at_most)
    known = [(word, count) for word, count in counted if not encoder.unknown_share(word)]
    words = [word for word, _ in known]
    vectors = encoder.encode_passages(words)
    return WordVectors(
        words=tuple(words), counts=tuple(count for _, count in known), vectors=unit_length(vectors)
    )


def nearest_words(text: str, words: WordVectors, encoder: Encoder, *, k: int = 10) -> list[Neighbour]:
    """The `k` words nearest to `text` (a word, or several), the nearest first, itself left out."""
    if not words.words or not _is_read(text, encoder):
        return []
    (vector,) = encoder.encode_passages([text])
    cosines = words.vectors @ vector
    found: list[Neighbour] = []
    for place in np.argsort(-cosines, kind="stable").tolist():
        if words.words[place].casefold() != text.strip().casefold():
            found.append(
                Neighbour(text=words.words[place], cosine=float(cosines[place]), count=words.counts[place])
            )
        if len(found) == k:
            break
    return found


def nearest_sentences(text: str, store: Store, encoder: Encoder, *, k: int = 10) -> list[Neighbour]:
    """The `k` sentences nearest to `text` among those of the passages nearest to it, each one once."""
    if not _is_read(text, encoder):
        return []
    hits = Retriever(store, encoder).search(text, k=max(k, _PASSAGES), mode=Mode.DENSE)
    places: dict[str, Neighbour] = {}
    for hit in hits:
        for span in stripped_sentences(hit.passage.text, hit.document.language):
            sentence = hit.passage.text[span.start : span.end]
            if sentence.casefold() != text.strip().casefold():
                places.setdefault(
                    sentence,
                    Neighbour(
                        text=sentence,
                        cosine=0.0,
                        path=hit.document.path,
                        start=hit.passage.start + span.start,
                        end=hit.passage.start + span.end,
                        page=hit.passage.page,
                    ),
                )
    return _ranked(text, list(places.values()), encoder, k)


def _is_read(text: str, encoder: Encoder) -> bool:
    """Whether there is something to compare, and the encoder can tell it from anything else."""
    return bool(text.strip()) and encoder.unknown_share(text) <= UNKNOWN_LIMIT


def _ranked(text: str, found: Sequence[Neighbour], encoder: Encoder, k: int) -> list[Neighbour]:
    if not found:
        return []
    (vector,) = encoder.encode_passages([text])
    cosines = encoder.encode_passages([item.text for item in found]) @ vector
    return [
        replace(found[place], cosine=float(cosines[place]))
        for place in np.argsort(-cosines, kind="stable")[:k].tolist()
    ]

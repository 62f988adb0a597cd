"""Agreement of vectors with human judgements: Spearman's correlation on scored pairs, accuracy on analogies.

    file -> texts -> vectors of every chosen layer -> cosines -> rank correlation with the human scores

Analogies are solved by 3CosAdd (Mikolov et al. 2013; Levy and Goldberg 2014): the word of the vocabulary
nearest to b - a + c, of unit vectors, the three given words excluded. A contextual model has no vocabulary of
word vectors, so each word is read alone, and what it is chosen from is stated: the whole words of the model's
vocabulary and those of the file. Words that a model reads as the same pieces ("Greece", "greece") are one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.datasets.scored_pairs import Analogies, ScoredPairs, read_sentences, read_words
from index.models.encoder import unit_length
from index.models.vectorizer import Vectorizer
from index.protocols import Vectors

Progress = Callable[[int, int], None]
_TEXTS_AT_ONCE = 2048
_QUESTIONS_AT_ONCE = 1024
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFigure:
    """The figure of the vectors of one layer, or of the mean of several ("4-6")."""

    layers: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """One file. `value` is that of the chosen layers' mean: Spearman's correlation, or analogies' accuracy.

    `used` pairs or questions counted, `skipped` could not: rows that are not understood, words with pieces
    that the model does not know. `layers` has one for each layer where several were asked for, and
    `categories` one for each category of analogies; `vocabulary` is the number of words chosen from.
    """

    name: str
    analogies: bool
    value: float
    used: int
    skipped: int
    layers: tuple[LayerFigure, ...] = ()
    vocabulary: int | None = None
    categories: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The report as a JSON object."""
        kind, unit = ("accuracy", "questions") if self.analogies else ("spearman", "pairs")
        found: dict[str, object] = {kind: self.value, unit: self.used, "skipped": self.skipped}
        if self.vocabulary is not None:
            found |= {"vocabulary": self.vocabulary, "categories": self.categories}
        if self.layers:
            found["layers"] = [{"layers": item.layers, kind: item.value} for item in self.layers]
        return found


def evaluate_words(
    paths: Sequence[Path],
    vectorizer: Vectorizer,
    *,
    vocabulary: Sequence[str] = (),
    progress: Progress | None = None,
) -> list[FileReport]:
    """A report for each file of word pairs or analogies; `vocabulary` joins what analogies choose from.

    Raises DataError for a file that cannot be read.
    """
    files = [read_words(path) for path in paths]  # all are read before the first is measured
    return [
        _analogies(item, vectorizer, vocabulary, progress)
        if isinstance(item, Analogies)
        else _pairs(item, vectorizer, progress)
        for item in files
    ]


def evaluate_sentences(
    paths: Sequence[Path], vectorizer: Vectorizer, *, progress: Progress | None = None
) -> list[FileReport]:
    """A report for each file of scored sentence pairs; raises DataError for one that cannot be read."""
    return [_pairs(item, vectorizer, progress) for item in [read_sentences(path) for path in paths]]


def spearman(ours: Floats, theirs: Floats) -> float:
    """Spearman's rank correlation, equal values sharing their mean rank; 0.0 where one side is constant."""
    one, other = _ranks(ours), _ranks(theirs)
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other / size) if size else 0.0


def _ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


def _pairs(item: ScoredPairs, vectorizer: Vectorizer, progress: Progress | None) -> FileReport:
    texts = list(dict.fromkeys(text for pair in item.pairs for text in pair))
    known = {text for text in texts if not vectorizer.tokenizer.unknown_share(text)}
    place = {text: number for number, text in enumerate(texts)}
    kept = [n for n, (one, other) in enumerate(item.pairs) if one in known and other in known]
    by_layer = _by_layer(texts, vectorizer, progress)
    ones, others = ([place[item.pairs[n][side]] for n in kept] for side in (0, 1))
    scores = np.array([item.scores[n] for n in kept])

    def figure(vectors: Vectors) -> float:
        unit = unit_length(vectors)
        return spearman((unit[ones] * unit[others]).sum(axis=1).astype(np.float64), scores)

    return FileReport(
        name=item.name,
        analogies=False,
        value=figure(by_layer.mean(axis=0)),
        used=len(kept),
        skipped=item.skipped + len(item.pairs) - len(kept),
        layers=_table(by_layer, vectorizer, figure),
    )


def _analogies(
    item: Analogies, vectorizer: Vectorizer, vocabulary: Sequence[str], progress: Progress | None
) -> FileReport:
    own = dict.fromkeys(word for question in item.questions for word in question)
    unknown = {word for word in (*own, *vocabulary) if vectorizer.tokenizer.unknown_share(word)}
    every = dict.fromkeys([*own, *vocabulary, *vectorizer.tokenizer.whole_words()])
    words = [word for word in every if word not in unknown]
    ids = [item.tobytes() for item in vectorizer.tokenizer.encode_ids(words)]
    # Words of the same pieces have the same vector: one of them stands for all.
    distinct = list(dict(zip(reversed(ids), reversed(words), strict=True)).values())[::-1]
    row = {vectorizer.tokenizer.encode_ids([word])[0].tobytes(): n for n, word in enumerate(distinct)}
    place = {word: row[key] for word, key in zip(words, ids, strict=True)}
    kept = [n for n, question in enumerate(item.questions) if not unknown & set(question)]
    asked = np.array([[place[word] for word in item.questions[n]] for n in kept]).reshape(-1, 4)
    by_layer = _by_layer(distinct, vectorizer, progress)
    right = solve(by_layer.mean(axis=0), asked)
    categories = [item.categories[n] for n in kept]
    return FileReport(
        name=item.name,
        analogies=True,
        value=float(right.mean()) if len(kept) else 0.0,
        used=len(kept),
        skipped=item.skipped + len(item.questions) - len(kept),
        layers=_table(by_layer, vectorizer, lambda vectors: float(solve(vectors, asked).mean())),
        vocabulary=len(distinct),
        categories={
            name: float(right[[n for n, own in enumerate(categories) if own == name]].mean())
            for name in dict.fromkeys(categories)
        },
    )


def solve(vectors: Vectors, asked: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which questions, rows a, b, c, d of `asked`, 3CosAdd answers with d among all rows of `vectors`."""
    unit = unit_length(vectors)
    right = np.zeros(len(asked), dtype=bool)
    for first in range(0, len(asked), _QUESTIONS_AT_ONCE):
        a, b, c, d = asked[first : first + _QUESTIONS_AT_ONCE].T
        scores = (unit[b] - unit[a] + unit[c]) @ unit.T
        rows = np.arange(len(a))
        for given in (a, b, c):
            scores[rows, given] = -np.inf
        right[first : first + len(a)] = scores.argmax(axis=1) == d
    return right


def _by_layer(texts: Sequence[str], vectorizer: Vectorizer, progress: Progress | None) -> Vectors:
    parts = []
    for first in range(0, len(texts), _TEXTS_AT_ONCE):
        parts.append(vectorizer.by_layer(texts[first : first + _TEXTS_AT_ONCE]))
        if progress is not None:
            progress(min(first + _TEXTS_AT_ONCE, len(texts)), len(texts))
    return np.concatenate(parts, axis=1)


def _table(
    by_layer: Vectors, vectorizer: Vectorizer, figure: Callable[[Vectors], float]
) -> tuple[LayerFigure, ...]:
    if len(vectorizer.layers) == 1:
        return ()
    return tuple(
        LayerFigure(layers=str(layer), value=figure(vectors))
        for layer, vectors in zip(vectorizer.layers, by_layer, strict=True)
    )

"""Zero-shot labels: the label whose vector is nearest to the text's.

    "refund"                              the name alone
    "refund: the customer wants money"    a name and what it means

The probabilities were fitted to nothing: they rank, and say little of how sure to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.engines.reference_roberta import softmax
from index.errors import DataError
from index.models.classifier import Texts, averaged, text_pieces
from index.models.classifier_heads import Floats
from index.models.encoder import unit_length
from index.protocols import Encoder

_TEMPERATURE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLabel:
    """A label and the words that stand for it."""

    name: str
    meaning: str

    @classmethod
    def parse(cls, text: str) -> NamedLabel:
        """From `name` or `name: meaning`; signs that join words in names are blanks in the meaning."""
        name, colon, meaning = (part.strip() for part in text.partition(":"))
        return cls(name=name, meaning=meaning if colon and meaning else name.replace("_", " "))


def named_labels(texts: Sequence[str]) -> tuple[NamedLabel, ...]:
    """At least two labels of different names; raises DataError."""
    labels = tuple(NamedLabel.parse(text) for text in texts if text.strip())
    names = [label.name for label in labels]
    if len(labels) < 2 or len(set(names)) < len(names) or not all(names):
        raise DataError(
            f"{', '.join(names) or 'nothing'} is no choice of labels",
            hint='give two or more different ones: --labels "billing, delivery, complaint"',
        )
    return labels


class NearestLabels:
    """The label whose vector is nearest to the text's."""

    def __init__(self, encoder: Encoder, labels: Sequence[NamedLabel]) -> None:
        self._encoder = encoder
        self.labels = tuple(label.name for label in labels)
        self.name = "nearest labels"
        self.encoder_fingerprint = encoder.fingerprint
        self._vectors = encoder.encode_queries([label.meaning for label in labels])

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the encoder does not know."""
        return self._encoder.unknown_share(text)

    def probabilities(self, items: Sequence[Texts]) -> Floats:
        """Shape (len(items), labels)."""
        pieces = [
            (piece, place)
            for place, item in enumerate(items)
            for piece in text_pieces(item[0], self._encoder.tokenizer, self._encoder.passage_room)
        ]
        found = self.of_vectors(self._encoder.encode_passages([piece for piece, _ in pieces]))
        return averaged(
            found, [place for _, place in pieces], [max(1, len(piece)) for piece, _ in pieces], len(items)
        )

    def of_vectors(self, vectors: Floats) -> Floats:
        """As `probabilities`, from vectors of this encoder, shape (n, dimension)."""
        return softmax(np.asarray(unit_length(vectors) @ self._vectors.T / _TEMPERATURE, np.float32))

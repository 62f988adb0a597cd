"""A classifier: texts, or pairs of texts, to a probability for each label.

    folder -> what it is -> engine or encoder -> hidden states or vectors -> head -> probabilities

Three kinds of folders: a checkpoint for sequence classification as transformers saves it (made by `spanwise
train classifier`, or any of RoBERTa's or BERT's family), an adapter (`index.models.lora`), and a linear head
on a frozen encoder. A text longer than the window is judged in pieces whose probabilities are averaged; of a
pair only the first text is cut, and counted in `truncated`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from index.checkpoints.hub import locate
from index.checkpoints.weights import Weights
from index.engines.load import load_model
from index.engines.loaded_model import LoadedModel
from index.errors import ModelError, ModelMismatch, ModelNotFound
from index.models.classifier_heads import Floats, Head, Layer, head_of, pair_features
from index.models.encoder import load_encoder
from index.models.lora import whole_folder
from index.protocols import Encoder, TokenIds
from ingest.text.tokenizer import TextTokenizer

FACTS = "classifier.json"
LINEAR, ADAPTER = "linear", "adapter"

Texts = tuple[str, ...]


class Classifier(Protocol):
    """Texts to probabilities."""

    @property
    def name(self) -> str:
        """The name by which it was loaded."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the columns of probabilities."""
        ...

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the vocabulary does not know, 0.0 for no tokens."""
        ...

    def probabilities(self, items: Sequence[Texts]) -> Floats:
        """Shape (len(items), labels); an item is one text, or two that are judged together."""
        ...


@runtime_checkable
class OnVectors(Protocol):
    """A classifier that needs no more of a text than its encoder's vector."""

    encoder_fingerprint: str

    def of_vectors(self, vectors: Floats) -> Floats:
        """From vectors of that encoder, shape (n, dimension), to probabilities, shape (n, labels)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The most likely label and its probability."""

    label: str
    probability: float


def best_labels(labels: Sequence[str], probabilities: Floats) -> list[Prediction]:
    """The most likely label of each row."""
    return [
        Prediction(label=labels[place], probability=float(row[place]))
        for row, place in zip(probabilities, probabilities.argmax(axis=1).tolist(), strict=True)
    ]


class FineTunedClassifier:
    """A checkpoint with a head on its first token; `truncated` counts the pairs that did not fit."""

    def __init__(self, model: LoadedModel, head: Head, labels: Sequence[str], *, name: str) -> None:
        if head.labels != len(labels):
            raise ModelError(
                f"{name} tells {head.labels} labels apart and names {len(labels)}",
                hint="its config.json and its weights do not belong together",
            )
        self._model, self._head = model, head
        self.labels = tuple(labels)
        self.name = name
        self.truncated = 0

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the vocabulary does not know."""
        return self._model.tokenizer.unknown_share(text)

    def probabilities(self, items: Sequence[Texts]) -> Floats:
        """Shape (len(items), labels)."""
        sequences: list[TokenIds] = []
        owners: list[int] = []
        for place, item in enumerate(items):
            framed = self._framed(item)
            sequences += framed
            owners += [place] * len(framed)
        first = np.zeros((len(sequences), self._model.dimension), dtype=np.float32)
        for place, (hidden,) in self._model.engine.run(sequences):
            first[place] = hidden[0]
        weights = [len(sequence) for sequence in sequences]
        return averaged(self._head.probabilities(first), owners, weights, len(items))

    def _framed(self, item: Texts) -> list[TokenIds]:
        tokenizer, window = self._model.tokenizer, self._model.max_tokens
        ids = tokenizer.encode_ids(list(item))
        if len(ids) == 1:
            return single_windows(ids[0], tokenizer, window)
        framed, cut = framed_pair(ids[0], ids[1], tokenizer, window)
        self.truncated += cut
        return [framed]


class LinearClassifier:
    """A linear head on the vectors of a frozen encoder, or, with `pairs`, on two of them together."""

    def __init__(
        self,
        encoder: Encoder,
        head: Head,
        labels: Sequence[str],
        *,
        name: str,
        fingerprint: str,
        pairs: bool = False,
    ) -> None:
        self._encoder, self._head, self.pairs = encoder, head, pairs
        self.labels = tuple(labels)
        self.name = name
        self.encoder_fingerprint = fingerprint

    def unknown_share(self, text: str) -> float:
        """Share of the tokens of `text` that the encoder does not know."""
        return self._encoder.unknown_share(text)

    def probabilities(self, items: Sequence[Texts]) -> Floats:
        """Shape (len(items), labels); raises ModelError for a pair instead of a text, or the reverse."""
        wanted = 2 if self.pairs else 1
        if any(len(item) != wanted for item in items):
            raise ModelError(
                f"{self.name} judges {'pairs' if self.pairs else 'single texts'} and was given "
                f"{'single texts' if self.pairs else 'a pair'}",
                hint="train one for that",
            )
        if self.pairs:
            return self._head.probabilities(paired_vectors(self._encoder, items))
        pieces = [
            (piece, place)
            for place, item in enumerate(items)
            for piece in text_pieces(item[0], self._encoder.tokenizer, self._encoder.passage_room)
        ]
        found = self.of_vectors(self._encoder.encode_passages([piece for piece, _ in pieces]))
        owners = [place for _, place in pieces]
        return averaged(found, owners, [max(1, len(piece)) for piece, _ in pieces], len(items))

    def of_vectors(self, vectors: Floats) -> Floats:
        """As `probabilities`, from vectors of this encoder, shape (n, dimension)."""
        return self._head.probabilities(vectors)


def paired_vectors(encoder: Encoder, items: Sequence[Texts]) -> Floats:
    """What a head on pairs sees of each, shape (n, 4 * dimension); a text that recurs is encoded once."""
    texts = list(dict.fromkeys(text for item in items for text in item))
    row = {text: number for number, text in enumerate(texts)}
    vectors = encoder.encode_passages(texts)
    first, second = (vectors[[row[item[place]] for item in items]] for place in (0, 1))
    return pair_features(first, second)


def load_classifier(name: str, *, engine: str | None = None) -> Classifier:
    """The classifier in a folder, or a hub id of a checkpoint for sequence classification.

    Raises ModelNotFound, ModelMismatch and ModelError.
    """
    folder = Path(name).expanduser()
    if not (folder / FACTS).is_file():
        _, folder = locate(name, "encoder")
        return _fine_tuned(folder, name, engine)
    facts = _json(folder / FACTS)
    kind = facts.get("kind")
    if kind == LINEAR:
        return _linear(folder, facts, name, engine)
    if kind == ADAPTER:
        return _fine_tuned(whole_folder(folder, facts), name, engine)
    raise ModelError(f"{folder / FACTS} names the kind {kind!r}", hint=f"known are {LINEAR} and {ADAPTER}")


def _fine_tuned(folder: Path, name: str, engine: str | None) -> FineTunedClassifier:
    config = _json(folder / "config.json")
    head = head_of(Weights(folder), name)
    given = config.get("id2label") or {}
    labels = [str(given.get(str(place), f"LABEL_{place}")) for place in range(head.labels)]
    return FineTunedClassifier(load_model(str(folder), "encoder", engine=engine), head, labels, name=name)


def _linear(folder: Path, facts: dict[str, Any], name: str, engine: str | None) -> LinearClassifier:
    encoder = load_encoder(str(facts["encoder"]), engine=engine)
    if encoder.fingerprint != facts["fingerprint"]:
        raise ModelMismatch(
            f"{folder} was trained on vectors of another encoder than the {facts['encoder']} that is here",
            hint="train it again: spanwise train classifier",
        )
    weights = Weights(folder)
    if "weight" not in weights or "bias" not in weights:
        raise ModelError(f"{folder} lacks its model.safetensors", hint="train it again")
    layer = Layer(
        weight=np.asarray(weights["weight"], np.float32), bias=np.asarray(weights["bias"], np.float32)
    )
    return LinearClassifier(
        encoder,
        Head(output=layer),
        facts["labels"],
        name=name,
        fingerprint=encoder.fingerprint,
        pairs=bool(facts.get("pairs")),
    )


# -- texts that do not fit ------------------------------------------------------------------------------


def single_windows(ids: TokenIds, tokenizer: TextTokenizer, window: int) -> list[TokenIds]:
    """A text's ids framed, in as many pieces of about the same length as the window asks for."""
    frame = tokenizer.single
    pieces = max(1, -(-len(ids) // max(1, window - frame.size)))
    return [
        np.array([*frame.before, *part, *frame.after], dtype=np.int64) for part in np.array_split(ids, pieces)
    ]


def framed_pair(
    first: TokenIds, second: TokenIds, tokenizer: TextTokenizer, window: int
) -> tuple[TokenIds, bool]:
    """Two texts' ids framed as one sequence, and whether one was cut: the first makes room for the other."""
    frame = tokenizer.pair
    room = max(2, window - frame.size)
    second_room = max(room // 2, room - len(first))
    kept = second[:second_room]
    cut = first[: room - len(kept)]
    whole = np.array([*frame.before, *cut, *frame.between, *kept, *frame.after], dtype=np.int64)
    return whole, len(cut) < len(first) or len(kept) < len(second)


def text_pieces(text: str, tokenizer: TextTokenizer, room: int) -> list[str]:
    """The text, in pieces of about the same number of tokens if it has more than `room`."""
    offsets = tokenizer.encode(text).offsets
    if len(offsets) <= room:
        return [text]
    parts = np.array_split(offsets, -(-len(offsets) // room))
    return [text[int(part[0, 0]) : int(part[-1, 1])] for part in parts]


def averaged(
    probabilities: Floats, owners: Sequence[int], weights: Sequence[float], items: int
) -> NDArray[np.float32]:
    """Rows of pieces to one row for each item, weighed; shape (items, labels)."""
    total = np.zeros((items, probabilities.shape[1]), dtype=np.float64)
    sums = np.zeros((items, 1), dtype=np.float64)
    share = np.asarray(weights, dtype=np.float64)[:, None]
    np.add.at(total, np.asarray(owners, dtype=np.int64), probabilities * share)
    np.add.at(sums, np.asarray(owners, dtype=np.int64), share)
    return np.asarray(total / np.maximum(sums, 1e-12), dtype=np.float32)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelNotFound(f"there is no {path}", hint="check the folder's name") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}", hint="train the classifier again") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} holds no object", hint="train the classifier again")
    return found

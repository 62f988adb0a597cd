"""A masked language model: a checkpoint's backbone with a head whose output matrix is its word table.

    hidden -> dense -> GELU -> layer norm -> word table (tied) + bias        (RoBERTa's head; Liu et al. 2019)

Tied embeddings (Press and Wolf 2017) leave the head a square matrix and a bias for each word: 0.4 MB for the
bundled encoder. A head is taken from the checkpoint itself, from `lm_head.safetensors` beside it, or is new
and has to be trained, as for the bundled encoder (`data/bench/language-model.md`). Logits are computed at the
hidden places only: they are seven times as wide as all the rest of a small model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from index.checkpoints.hub import locate
from index.checkpoints.weights import Weights
from index.engines.batching import of_like_length
from index.engines.torch_engine import evaluating
from index.engines.torch_models import Trainable, load_trainable
from index.errors import ModelError
from index.models.masking import MaskedText
from index.protocols import TokenIds

HEAD_FILE = "lm_head.safetensors"
_ROBERTA = {
    "dense.weight": "lm_head.dense.weight",
    "dense.bias": "lm_head.dense.bias",
    "layer_norm.weight": "lm_head.layer_norm.weight",
    "layer_norm.bias": "lm_head.layer_norm.bias",
    "bias": "lm_head.bias",
}
_BERT = {
    "dense.weight": "cls.predictions.transform.dense.weight",
    "dense.bias": "cls.predictions.transform.dense.bias",
    "layer_norm.weight": "cls.predictions.transform.LayerNorm.weight",
    "layer_norm.bias": "cls.predictions.transform.LayerNorm.bias",
    "bias": "cls.predictions.bias",
}


class LanguageHead(torch.nn.Module):
    """Hidden states to logits over the vocabulary; the word table is given, never held."""

    def __init__(self, width: int, vocabulary: int, epsilon: float) -> None:
        super().__init__()
        self.dense = torch.nn.Linear(width, width)
        self.layer_norm = torch.nn.LayerNorm(width, eps=epsilon)
        self.bias = torch.nn.Parameter(torch.zeros(vocabulary))

    def forward(self, hidden: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Logits (n, vocabulary) of hidden states (n, width) against the word table (vocabulary, width)."""
        known = self.layer_norm(torch.nn.functional.gelu(self.dense(hidden)))
        return torch.nn.functional.linear(known, words, self.bias.to(known.dtype))


class LanguageModel(torch.nn.Module):
    """A backbone and its head, trained together; `new_head` says that the head is untrained."""

    def __init__(self, start: Trainable, head: LanguageHead, *, new_head: bool) -> None:
        super().__init__()
        self.start = start
        self.backbone = start.model
        self.head = head.to(start.model.device)
        self.new_head = new_head

    def expect(self, texts: Sequence[TokenIds]) -> None:
        """Set the head's bias to the log frequencies of tokens in these texts, and hold it.

        Trained from zero it does not converge: most tokens are rare, and AdamW moves a rare one's bias as far
        at every step as a frequent one's.
        """
        size = len(self.head.bias)
        counts = np.bincount(np.concatenate(texts), minlength=size)[:size] + 1.0
        with torch.no_grad():
            self.head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
        self.head.bias.requires_grad = False

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return torch.device(self.backbone.device)

    def forward(self, texts: Sequence[MaskedText]) -> torch.Tensor:
        """Logits at the hidden places of all texts, one text after the other, (places, vocabulary)."""
        rows = np.concatenate([np.full(len(text.places), row) for row, text in enumerate(texts)])
        places = np.concatenate([text.places for text in texts])
        hidden = self.backbone(**self.start.inputs([text.ids for text in texts])).last_hidden_state
        chosen = hidden[torch.from_numpy(rows).to(self.device), torch.from_numpy(places).to(self.device)]
        logits: torch.Tensor = self.head(chosen, self.backbone.get_input_embeddings().weight)
        return logits


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedScores:
    """How well hidden tokens are guessed.

    `pseudo_perplexity` is exp of the mean negative log-probability of a token that is hidden alone, all
    others of its text shown (Salazar et al. 2020); `accuracy` the share guessed right; `tokens` how many
    were asked; `error` the standard error of the mean log-probability.
    """

    pseudo_perplexity: float
    accuracy: float
    tokens: int
    error: float


def load_language_model(name: str, *, device: str | None = None, seed: int = 0) -> LanguageModel:
    """The checkpoint called `name` (as encoder) with its head, or with a new one drawn by `seed`.

    Raises ModelNotFound and ModelError.
    """
    start = load_trainable(name, "encoder", device=device, seed=seed)
    config = start.model.config
    if start.tokenizer.mask_id == start.tokenizer.pad_id:
        raise ModelError(f"the vocabulary of {name} has no mask token", hint="choose another encoder")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = LanguageHead(
            int(config.hidden_size), int(config.vocab_size), float(getattr(config, "layer_norm_eps", 1e-12))
        )
    found = _head_weights(locate(name, "encoder")[1])
    if found is not None:
        try:
            head.load_state_dict(found)
        except RuntimeError as error:
            raise ModelError(
                f"the language-model head of {name} does not fit it: {' '.join(str(error).split())}",
                hint=f"remove {HEAD_FILE} from its folder, and a new head is trained",
            ) from error
    return LanguageModel(start, head, new_head=found is None)


def save_head(model: LanguageModel, folder: Path) -> None:
    """Write the head beside the backbone's weights, in float16."""
    half = {name: value.detach().cpu().half().contiguous() for name, value in model.head.state_dict().items()}
    try:
        save_file(half, folder / HEAD_FILE)
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written: {error}", hint="give a folder that can be written to"
        ) from error


def pseudo_perplexity(
    model: LanguageModel,
    texts: Sequence[TokenIds],
    words: Sequence[NDArray[np.int64]],
    *,
    at_most: int = 2000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> MaskedScores | None:
    """How well the model guesses tokens of framed texts, each hidden alone; None without any token.

    Of all tokens `at_most` are drawn by `seed`, the same ones for every model of one vocabulary. `words` is
    as for `mask`.
    """
    pairs = [(row, place) for row, ids in enumerate(words) for place in np.flatnonzero(ids >= 0).tolist()]
    if not pairs:
        return None
    drawn = np.random.default_rng(seed).permutation(len(pairs))[:at_most]
    asked = [
        _hidden(texts[row], place, model.start.tokenizer.mask_id)
        for row, place in (pairs[number] for number in sorted(drawn.tolist()))
    ]
    logs, right = np.zeros(len(asked)), 0
    done = 0
    with evaluating(model):
        for batch in of_like_length([text.ids for text in asked]):
            logits = model([asked[number] for number in batch]).float()
            targets = torch.tensor([int(asked[number].targets[0]) for number in batch], device=logits.device)
            chances = torch.log_softmax(logits, -1).gather(1, targets[:, None])[:, 0]
            logs[batch] = chances.cpu().numpy()
            right += int((logits.argmax(-1) == targets).sum())
            done += len(batch)
            if progress is not None:
                progress(done, len(asked))
    return MaskedScores(
        pseudo_perplexity=float(np.exp(-logs.mean())),
        accuracy=right / len(asked),
        tokens=len(asked),
        error=float(logs.std() / np.sqrt(len(asked))),
    )


def _hidden(ids: TokenIds, place: int, mask_id: int) -> MaskedText:
    shown = ids.copy()
    shown[place] = mask_id
    return MaskedText(ids=shown, places=np.array([place]), targets=ids[[place]])


def _head_weights(folder: Path) -> dict[str, torch.Tensor] | None:
    """The head's weights where the checkpoint has some, under the names that `LanguageHead` gives them."""
    if (folder / HEAD_FILE).is_file():
        try:
            return {name: value.float() for name, value in load_file(folder / HEAD_FILE).items()}
        except Exception as error:  # the library raises its own for a damaged file
            raise ModelError(
                f"{folder / HEAD_FILE} cannot be read: {error}", hint="remove it, and a new head is trained"
            ) from error
    weights: Any = Weights(folder)
    for names in (_ROBERTA, _BERT):
        if all(name in weights for name in names.values()):
            return {
                ours: torch.from_numpy(np.asarray(weights[theirs], dtype=np.float32))
                for ours, theirs in names.items()
            }
    return None

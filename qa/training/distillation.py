"""A larger reader as teacher: its logits for our windows, token for token.

Teacher and student may frame their inputs differently and number their vocabularies differently, but must cut
a context into the same pieces; then the logits of context token i (and of "no answer") belong together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from index.engines.load import load_model
from index.engines.loaded_model import LoadedModel
from index.errors import ModelError
from ingest.text.tokenizer import Tokens
from qa.reading.windows import Window
from qa.training.labelled_windows import NO_ANSWER


class Teacher:
    """A loaded reader that gives its logits for windows made for another one."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model

    @classmethod
    def load(cls, name: str) -> Teacher:
        """The reader called `name`; raises ModelNotFound and ModelError."""
        return cls(load_model(name, "reader"))

    def check(self, texts: Sequence[str], ours: Sequence[Tokens]) -> None:
        """Raises ModelError where the teacher cuts one of `texts` into other pieces than `ours`."""
        for text, theirs, tokens in zip(texts, self._model.tokenizer.encode_batch(texts), ours, strict=True):
            if not np.array_equal(theirs.offsets, tokens.offsets):
                raise ModelError(
                    f"the teacher {self._model.name} cuts texts into other tokens, first {text[:60]!r}",
                    hint="choose a teacher with the same vocabulary",
                )

    def logits(
        self, asked: Sequence[tuple[str, str, Window]]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Start and end logits for each (question, context, window), at the places of that window's tokens.

        Tokens that are neither context nor "no answer" carry -inf.
        """
        model = self._model
        questions = model.tokenizer.encode_ids([question for question, _, _ in asked])
        contexts = model.tokenizer.encode_ids([context for _, context, _ in asked])
        frame = model.tokenizer.pair
        sequences, places = [], []
        for question, context, (_, _, window) in zip(questions, contexts, asked, strict=True):
            part = context[window.token_start : window.token_end]
            room = model.max_tokens - frame.size - len(part)
            head = np.concatenate([frame.before, question[: max(0, room)], frame.between]).astype(np.int64)
            sequences.append(np.concatenate([head, part, np.array(frame.after, dtype=np.int64)]))
            places.append(len(head))
        outputs = dict(model.engine.run(sequences))
        sides: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
        for index, (_, _, window) in enumerate(asked):
            size = window.token_end - window.token_start
            for values, into in zip(outputs[index], sides, strict=True):
                ours = torch.full((len(window),), float("-inf"))
                ours[NO_ANSWER] = float(values[NO_ANSWER])
                theirs = values[places[index] : places[index] + size]
                ours[window.context_position : window.context_position + size] = torch.from_numpy(theirs)
                into.append(ours)
        return sides

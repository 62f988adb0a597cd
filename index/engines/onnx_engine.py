"""Running a graph with ONNX Runtime: the only module that knows it.

Every sequence is run by itself, so that nothing is padded and a result does not depend on what else was
asked; the cores are kept busy with several sequences at a time, one thread each. A lone sequence can have
several cores for itself (figures in `data/bench/engines.md`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from index.engines.batching import Outputs, longest_first, segments
from index.errors import ModelError
from index.protocols import TokenIds

# How many sequences for each thread may wait for their results to be taken.
_AHEAD = 4


class OnnxEngine:
    """A graph of `index.engines.onnx_graph` behind the `Engine` protocol.

    `outputs` is how many arrays the last axis of the graph's result stands for: one for hidden states, two
    for start and end logits. `threads` sequences are run at a time, each by up to `cores_each` cores.
    `separator` is the separator's id where the model numbers its segments.
    """

    def __init__(
        self,
        path: Path,
        *,
        outputs: int,
        threads: int,
        cores_each: int = 1,
        separator: int | None = None,
        name: str = "onnx",
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores_each
        # Cores that wait actively take the time of those that work on other sequences.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own errors have no common class but this
            raise ModelError(
                f"{path} cannot be run: {error}", hint="delete the file; it is made again"
            ) from error
        self._outputs = outputs
        self._separator = separator
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="onnx") if threads > 1 else None
        self.name = name

    def run(self, sequences: Sequence[TokenIds]) -> Iterator[tuple[int, Outputs]]:
        """(index in `sequences`, outputs) for each sequence, the longest first."""
        order = longest_first(sequences)
        if self._pool is None or len(order) < 2:
            for index in order:
                yield index, self._one(sequences[index])
            return
        waiting: deque[tuple[int, Future[Outputs]]] = deque()
        for index in order:
            waiting.append((index, self._pool.submit(self._one, sequences[index])))
            if len(waiting) >= _AHEAD * self._threads:
                place, future = waiting.popleft()
                yield place, future.result()
        while waiting:
            place, future = waiting.popleft()
            yield place, future.result()

    def _one(self, sequence: TokenIds) -> Outputs:
        ids = np.asarray(sequence, dtype=np.int64)[None]
        inputs = {"input_ids": ids}
        if self._separator is not None:
            inputs["token_type_ids"] = segments(ids, self._separator)
        (result,) = self._session.run(None, inputs)
        return (result[0],) if self._outputs == 1 else tuple(result[0].T)

"""`spanwise calibrate`: ask labelled questions, see which answers are right, fit the decision and store it.

The contexts of the labelled file become a temporary collection; or the questions are asked of the user's own
store, where an answer is right when its words are a gold answer's. Where a file has (almost) no question
without an answer, some contexts are left out of the temporary collection, so that their questions have none
there: refusing can only be fitted on such questions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from index.errors import DataError
from index.protocols import Encoder
from index.store.store import Store
from ingest.batches import batched
from qa.answering.answerer import Answerer
from qa.answering.calibration_file import Calibration, fitted_decision, reading_settings, save_calibration
from qa.answering.decision import DecisionSettings
from qa.calibration.fit import LabelledQuestion, crossed_figures, figures, fit_decision
from qa.forms.question_kind import question_kind
from qa.protocols import Reader
from qa.squad.collection import squad_collection
from qa.squad.dataset import Example, SquadFile, read_squad
from qa.squad.metrics import gold_answers

_AT_ONCE = 16
_FEWEST = 20
_ENOUGH_UNANSWERABLE = 0.1
LEFT_OUT = 0.2

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationReport:
    """The calibration stored in `path`, and the figures of the one before on the same questions.

    `calibration.figures` are crossed: fitted on half of the articles, judged on the other half.
    """

    path: Path
    calibration: Calibration
    before: dict[str, float]


def calibrate(
    path: str | Path,
    store: Store,
    reader: Reader,
    encoder: Encoder,
    *,
    on_store: bool = False,
    left_out: float | None = None,
    limit: int | None = None,
    seed: int = 0,
    k: int = 20,
    progress: Progress | None = None,
) -> CalibrationReport:
    """Fit the decision for `reader` and `encoder` on a SQuAD file and store it in `store`.

    `on_store` asks the store itself instead of a collection made of the file's contexts. `left_out` is the
    share of contexts that are left out of that collection (by default 0.2 where fewer than a tenth of the
    questions have no answer, else none). `limit` draws that many questions by `seed`. Raises DataError for
    a file that cannot be used, StoreReadOnly where the store cannot be written.
    """
    squad = read_squad(path)
    before = fitted_decision(store.path, encoder=encoder.fingerprint, reader=reader.fingerprint)
    labelled = collect(
        squad,
        reader,
        encoder,
        store=store if on_store else None,
        left_out=left_out,
        limit=limit,
        seed=seed,
        k=k,
        progress=progress,
    )
    calibration = fit_calibration(labelled, DecisionSettings(), reader, encoder, source=Path(path).name)
    return CalibrationReport(
        path=save_calibration(store.path, calibration),
        calibration=calibration,
        before=figures(labelled, before),
    )


def fit_calibration(
    labelled: Sequence[LabelledQuestion],
    start: DecisionSettings,
    reader: Reader,
    encoder: Encoder,
    *,
    source: str,
    judged: Sequence[str] = (),
) -> Calibration:
    """The decision fitted from `start` for these models, with its crossed figures (see `crossed_figures`)."""
    return Calibration(
        encoder=encoder.fingerprint,
        reader=reader.fingerprint,
        settings=reading_settings(),
        decision=fit_decision(labelled, start),
        questions=len(labelled),
        unanswerable=sum(not question.golds for question in labelled),
        source=source,
        figures=crossed_figures(labelled, start, judged=judged),
    )


def collect(
    squad: SquadFile,
    reader: Reader,
    encoder: Encoder,
    *,
    store: Store | None = None,
    left_out: float | None = None,
    limit: int | None = None,
    seed: int = 0,
    k: int = 20,
    progress: Progress | None = None,
) -> list[LabelledQuestion]:
    """Ask the questions of a file about its own contexts, or about `store`, and label the claims."""
    rng = random.Random(seed)  # noqa: S311  a sample, not a secret
    examples = list(squad.examples)
    if limit is not None and limit < len(examples):
        examples = rng.sample(examples, limit)
    if len(examples) < _FEWEST:
        raise DataError(
            f"{squad.path} has {len(examples)} questions to calibrate on, and {_FEWEST} are too few already",
            hint="give more labelled questions; a few hundred are good",
        )
    if store is None:
        share = _default_share(examples) if left_out is None else left_out
        examples = _without_answers(examples, share, rng)
    labelled: list[LabelledQuestion] = []
    with _answerer(squad, examples, reader, encoder, store) as answerer:
        for part in batched(examples, _AT_ONCE):
            items = answerer.read([example.question for example in part], k=k)
            labelled += [
                LabelledQuestion(
                    article=example.title or example.context,
                    claims=item.claims,
                    golds=gold_answers(example.answer_texts) if example.answerable else (),
                    kind=question_kind(example.question).value,
                )
                for example, item in zip(part, items, strict=True)
            ]
            if progress:
                progress(len(labelled), len(examples))
    return labelled


def _default_share(examples: Sequence[Example]) -> float:
    unanswerable = sum(not example.answerable for example in examples)
    return 0.0 if unanswerable >= _ENOUGH_UNANSWERABLE * len(examples) else LEFT_OUT


def _without_answers(examples: Sequence[Example], share: float, rng: random.Random) -> list[Example]:
    """The examples, those of a share of the contexts without their answers."""
    contexts = list(dict.fromkeys(example.context for example in examples))
    left_out = set(rng.sample(contexts, round(share * len(contexts))))
    return [replace(example, answers=()) if example.context in left_out else example for example in examples]


@contextmanager
def _answerer(
    squad: SquadFile, examples: Sequence[Example], reader: Reader, encoder: Encoder, store: Store | None
) -> Iterator[Answerer]:
    if store is not None:
        yield Answerer(store, reader, encoder)
        return
    answered = {example.context for example in examples if example.answerable}
    asked = {example.context for example in examples}
    # Contexts whose answers were all left out are removed; those that never held one stay.
    gone = {example.context for example in squad.examples if example.answerable} & asked - answered
    rest = replace(squad, examples=tuple(item for item in squad.examples if item.context not in gone))
    if not rest.examples:
        raise DataError(f"{squad.path}: no context is left to ask", hint="leave fewer contexts out")
    with squad_collection(rest, encoder) as collection:
        yield Answerer(collection.store, reader, encoder)

"""Learning from verdicts: a reader fine-tuned on them, or the confidence fitted to them, and the effect.

    verdicts -> labelled paragraphs -> three quarters to learn from, a quarter held out -> before and after

Whole paragraphs are held out, chosen by their hash: no paragraph is both learnt from and judged, and the same
verdicts fall to the same side next time. The weights are the mean of the fine-tuned reader's and those it
started from, which keeps what the start knew (Wortsman et al. 2022).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import DataError
from index.protocols import Encoder
from index.store.store import Store
from index.training.loop import TrainingProgress
from index.training.settings import LoopSettings
from qa.answering.calibration_file import fitted_decision, save_calibration
from qa.calibration.calibrate import collect, fit_calibration
from qa.calibration.fit import figures
from qa.evaluation.evaluate import evaluate_reader
from qa.feedback.squad_files import verdicts_json
from qa.feedback.verdicts import questions_of_collection
from qa.protocols import Reader
from qa.reading.reader import load_reader
from qa.squad.dataset import Example, SquadFile, parse_squad
from qa.training.settings import ReaderTraining, Source
from qa.training.train_reader import train_reader

_FEWEST = 20
_HELD_OUT = 4  # one paragraph in so many
EPOCHS = 3.0
_HINT = "mark more answers right or wrong, or select the right words; a few hundred are good"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedReader:
    """A reader fine-tuned on verdicts. Figures are 0 to 100, of the reader at the start and of the new one.

    `before` and `after` are over the verdicts held out, `general_before` and `general_after` over other
    questions. `better` says that F1 over those held out did not fall.
    """

    folder: Path
    start: str
    learnt: int
    held_out: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    general_before: Mapping[str, float]
    general_after: Mapping[str, float]

    @property
    def better(self) -> bool:
        """Whether it is at least as good on the questions held out."""
        return self.after["f1"] >= self.before["f1"]

    def as_json(self) -> dict[str, Any]:
        """The keys of `--json`."""
        return {
            "reader": str(self.folder),
            "start": self.start,
            "learnt": self.learnt,
            "held_out": self.held_out,
            "before": dict(self.before),
            "after": dict(self.after),
            "general_before": dict(self.general_before),
            "general_after": dict(self.general_after),
            "better": self.better,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedConfidence:
    """A confidence fitted to verdicts; `after` is crossed: fitted on one half, judged on the other."""

    path: Path
    questions: int
    unanswerable: int
    threshold: float
    before: Mapping[str, float]
    after: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """The keys of `--json`."""
        return {
            "calibration": str(self.path),
            "questions": self.questions,
            "unanswerable": self.unanswerable,
            "threshold": self.threshold,
            "before": dict(self.before),
            "after": dict(self.after),
        }


def learn_reader(
    store: Store,
    out: Path,
    *,
    general: SquadFile | None = None,
    epochs: float = EPOCHS,
    seed: int = 0,
    progress: Progress | None = None,
    training_progress: Callable[[TrainingProgress], None] | None = None,
) -> LearnedReader:
    """Fine-tune the reader of a store on its verdicts into the folder `out`.

    A killed run continues from its last checkpoint when it is called again on the same verdicts.
    Raises DataError where there are fewer than 20 labelled questions.
    """
    content = verdicts_json(store)
    examples = _examples(content)
    learnt, held_out = split(examples)
    if len(examples) < _FEWEST or not learnt or not held_out:
        raise DataError(
            f"{store.path} has {len(examples)} labelled questions, and {_FEWEST} in several paragraphs are "
            "the fewest to learn from",
            hint=_HINT,
        )
    out.mkdir(parents=True, exist_ok=True)
    file = out / "verdicts.json"
    file.write_text(json.dumps(_squad_json(learnt), ensure_ascii=False), encoding="utf-8")
    start = store.models.reader
    judged = _file(held_out)
    before = _read_both(load_reader(start), judged, general, progress)
    train_reader(
        ReaderTraining(
            sources=(Source(path=str(file)),),
            start=start,
            epochs=epochs,
            questions=16,
            questions_at_once=16,
            hold_out=0.0,
            start_share=0.5,
            loop=LoopSettings(learning_rate=3e-5, evaluations=0, seed=seed),
        ),
        out,
        progress=training_progress,
    )
    after = _read_both(load_reader(str(out)), judged, general, progress)
    return LearnedReader(
        folder=out,
        start=start,
        learnt=len(learnt),
        held_out=len(held_out),
        before=before[0],
        after=after[0],
        general_before=before[1],
        general_after=after[1],
    )


def learn_confidence(
    store: Store, reader: Reader, encoder: Encoder, *, seed: int = 0, progress: Progress | None = None
) -> LearnedConfidence:
    """Ask the store the questions of its verdicts and fit confidence and threshold to the answers.

    The fit starts at the settings in force, so that a few questions move little. Raises DataError where the
    right answer over the whole collection is known for fewer than 20 questions.
    """
    known = questions_of_collection(store.feedback())
    if len(known) < _FEWEST:
        raise DataError(
            f"{store.path} has {len(known)} questions whose right answer is known, and {_FEWEST} are the "
            "fewest to fit a confidence to",
            hint=_HINT,
        )
    squad = _file(known)
    labelled = collect(squad, reader, encoder, store=store, seed=seed, progress=progress)
    start = fitted_decision(store.path, encoder=encoder.fingerprint, reader=reader.fingerprint)
    calibration = fit_calibration(labelled, start, reader, encoder, source="verdicts")
    return LearnedConfidence(
        path=save_calibration(store.path, calibration),
        questions=calibration.questions,
        unanswerable=calibration.unanswerable,
        threshold=calibration.decision.threshold,
        before=figures(labelled, start),
        after=calibration.figures,
    )


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Examples to learn from and examples held out: one paragraph in four, at least one of two or more."""
    contexts = sorted({example.context for example in examples}, key=_digest)
    held_out = set(contexts[::_HELD_OUT] if len(contexts) > 1 else ())
    learnt = [example for example in examples if example.context not in held_out]
    return learnt, [example for example in examples if example.context in held_out]


def _examples(content: Mapping[str, Any]) -> tuple[Example, ...]:
    has = any(part["qas"] for article in content["data"] for part in article["paragraphs"])
    return parse_squad("the verdicts", content).examples if has else ()


def _read_both(
    reader: Reader, held_out: SquadFile, general: SquadFile | None, progress: Progress | None
) -> tuple[dict[str, float], dict[str, float]]:
    first = _figures(reader, held_out, progress)
    return first, {} if general is None else _figures(reader, general, progress)


def _figures(reader: Reader, squad: SquadFile, progress: Progress | None) -> dict[str, float]:
    """Exact match and F1 with the best threshold for these questions, and F1 of the best spans."""
    report = evaluate_reader(squad, reader, always_answer=True, progress=progress)
    shares = {"exact": report.every.exact, "f1": report.every.f1, "questions": float(report.every.total)}
    if report.best_exact is not None and report.best_f1 is not None:
        shares |= {"exact": report.best_exact.best, "f1": report.best_f1.best}
    if report.answerable is not None:
        shares["answerable_f1"] = report.answerable.f1
    return shares


def _file(examples: Sequence[Example]) -> SquadFile:
    return SquadFile(path="verdicts", examples=tuple(examples), wrong_offsets=0, version="2.0")


def _squad_json(examples: Sequence[Example]) -> dict[str, Any]:
    return {
        "version": "v2.0",
        "data": [
            {
                "title": example.title,
                "paragraphs": [
                    {
                        "context": example.context,
                        "qas": [
                            {
                                "id": example.id,
                                "question": example.question,
                                "answers": [
                                    {"text": item.text, "answer_start": item.start}
                                    for item in example.answers
                                ],
                                "is_impossible": not example.answerable,
                            }
                        ],
                    }
                ],
            }
            for example in examples
        ],
    }


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()

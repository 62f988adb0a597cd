"""The card of a trained classifier: what it came from, what it saw, how good it was, what it confuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from index.evaluation.classification import LabelReport
from index.training.classifier_settings import ClassifierTraining

if TYPE_CHECKING:  # it writes this card
    from index.training.train_classifier import TrainedClassifier

_MATRIX_UP_TO = 12
_FORMS = {
    "linear": "a linear head on the frozen vectors of",
    "adapter": "low-rank adapters beside the frozen weights of",
    "fine-tune": "all weights fine-tuned from",
}


def classifier_card(settings: ClassifierTraining, trained: TrainedClassifier) -> str:
    """Markdown, written beside the weights."""
    return "\n".join(
        [
            "# Classifier",
            "",
            f"Trained by `spanwise train classifier`: {_FORMS[trained.method]} `{settings.start}`.",
            f"It judges {'pairs of texts' if trained.data.pairs else 'texts'} and knows "
            f"{len(trained.data.labels)} labels: {', '.join(f'`{label}`' for label in trained.data.labels)}.",
            "",
            "## Data",
            "| file | examples | left out | weight |",
            "|---|---|---|---|",
            *(
                f"| `{Path(report.path).name}` | {report.examples:,} | {report.empty:,} | {source.weight:g} |"
                for source, report in zip(settings.sources, trained.data.reports, strict=True)
            ),
            "",
            f"{len(trained.data.held_out):,} examples were held out. {trained.cut:,} were longer than the "
            f"{settings.max_tokens} tokens of training and were cut.",
            "",
            "## Figures on what was held out",
            *_figures(trained.report),
            "",
            "## Settings",
            "```json",
            json.dumps(asdict(settings), indent=1, ensure_ascii=False),
            "```",
            "",
        ]
    )


def _figures(report: LabelReport | None) -> Iterator[str]:
    if report is None:
        yield "Nothing was held out."
        return
    low, high = report.interval.low, report.interval.high
    yield f"Accuracy {report.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f}), macro F1 "
    yield f"{report.macro_f1:.4f}, expected calibration error {report.ece:.3f}, {report.texts:,} texts."
    yield ""
    yield "| label | precision | recall | F1 | texts |"
    yield "|---|---|---|---|---|"
    for score in report.scores:
        yield (
            f"| {_cell(score.label)} | {score.precision:.3f} | {score.recall:.3f} | {score.f1:.3f} | "
            f"{score.support:,} |"
        )
    yield ""
    if len(report.scores) <= _MATRIX_UP_TO:
        names = [_cell(score.label) for score in report.scores]
        yield "True labels in rows, given labels in columns:"
        yield ""
        yield f"| | {' | '.join(names)} |"
        yield "|---" * (len(names) + 1) + "|"
        for name, row in zip(names, report.confusion.tolist(), strict=True):
            yield f"| **{name}** | {' | '.join(str(count) for count in row)} |"
        return
    yield "Most often confused:"
    yield ""
    for true, given, count in report.confused():
        yield f"- {count} of `{_cell(true)}` taken for `{_cell(given)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

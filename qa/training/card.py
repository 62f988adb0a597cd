"""The card of a trained reader: what it came from, what it saw, how it was set, how good it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from index.training.loop import Evaluation
from qa.training.examples import TrainingData
from qa.training.settings import ReaderTraining

_COLUMNS = ("f1", "answerable_exact", "answerable_f1")


def model_card(
    settings: ReaderTraining,
    data: TrainingData,
    evaluations: Sequence[Evaluation],
    *,
    new_head: bool,
    steps: int,
) -> str:
    """Markdown, written beside the weights."""
    return "\n".join(
        [
            "# Reader",
            "",
            f"Trained by `spanwise train reader` from {' and '.join(f'`{name}`' for name in settings.starts)}"
            f"{' with a new head' if new_head else ''}: {steps:,} steps of {settings.questions} questions.",
            "",
            "## Data",
            "| file | questions | without an answer | left out: wrong offsets | weight |",
            "|---|---|---|---|---|",
            *(
                f"| `{Path(report.path).name}` | {report.questions:,} | {report.unanswerable:,} | "
                f"{report.wrong_offsets:,} | {source.weight:g} |"
                for source, report in zip(settings.sources, data.reports, strict=True)
            ),
            "",
            f"{len(data.held_out):,} questions of the titles held out were not trained on.",
            "",
            "## Figures on held-out titles",
            "`f1` counts refusals, at the best threshold; the others are those of answerable questions.",
            "",
            "| step | weights | questions | f1 | exact (answerable) | f1 (answerable) |",
            "|---|---|---|---|---|---|",
            *(
                f"| {item.step:,} | {item.weights} | {item.figures.get('questions', 0):.0f} | "
                + " | ".join(_figure(item.figures, name) for name in _COLUMNS)
                + " |"
                for item in evaluations
                if item.figures
            ),
            "",
            "## Settings",
            "```json",
            json.dumps(asdict(settings), indent=1, ensure_ascii=False),
            "```",
            "",
        ]
    )


def _figure(figures: Mapping[str, float], name: str) -> str:
    return f"{figures[name]:.2f}" if name in figures else ""

"""The card of a trained encoder: what it came from, what it saw, how it was set, how good it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from index.datasets.question_passages import PairData
from index.training.encoder_settings import EncoderTraining
from index.training.loop import Evaluation

_FIGURES = ("recall@1", "recall@10", "ndcg@10")


def encoder_card(
    settings: EncoderTraining,
    data: PairData,
    evaluations: Sequence[Evaluation],
    *,
    widths: Sequence[int],
    cut: int,
    steps: int,
) -> str:
    """Markdown, written beside the weights."""
    shorter = " and ".join(str(width) for width in widths[1:])
    return "\n".join(
        [
            "# Encoder",
            "",
            f"Trained by `spanwise train encoder` from `{settings.start}`: {steps:,} steps of "
            f"{settings.questions} questions. Its vectors have {widths[0]} dimensions"
            + (f"; the first {shorter} serve alone too (`--encoder FOLDER@{widths[-1]}`)." * bool(shorter))
            + ("." * (not shorter)),
            "",
            "## Data",
            "| file | pairs | left out: empty | left out: no answer | weight |",
            "|---|---|---|---|---|",
            *(
                f"| `{Path(report.path).name}` | {report.pairs:,} | {report.empty:,} | "
                f"{report.unanswerable:,} | {source.weight:g} |"
                for source, report in zip(settings.sources, data.reports, strict=True)
            ),
            "",
            f"{len(data.held_out):,} pairs of the titles held out were not trained on. {cut:,} texts were "
            f"longer than {settings.max_tokens} tokens and cut.",
            "",
            "## Figures on held-out titles",
            *_table(evaluations, widths),
            "",
            "## Settings",
            "```json",
            json.dumps(asdict(settings), indent=1, ensure_ascii=False),
            "```",
            "",
        ]
    )


def _table(evaluations: Sequence[Evaluation], widths: Sequence[int]) -> list[str]:
    names = [name if width == widths[0] else f"{name} at {width}" for width in widths for name in _FIGURES]
    rows = [
        f"| {item.step:,} | {item.weights} | "
        + " | ".join(f"{item.figures[name]:.4f}" for name in names)
        + " |"
        for item in evaluations
        if item.figures
    ]
    if not rows:
        return ["Nothing was held out."]
    asked = next(item.figures for item in evaluations if item.figures)
    return [
        f"{asked['questions']:.0f} questions over {asked['passages']:.0f} passages.",
        "",
        f"| step | weights | {' | '.join(names)} |",
        "|---|---" + "|---" * len(names) + "|",
        *rows,
    ]

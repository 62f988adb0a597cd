"""The command `eval languages`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from index.checkpoints.presets import resolve_models
from index.models.encoder import load_encoder
from qa.evaluation.languages import LanguagesReport, evaluate_languages
from qa.reading.reader import load_reader
from ui.render.json_forms import Json
from ui.render.progress import Progress
from ui.settings import Settings


def evaluate(flags: Mapping[str, Any], settings: Settings) -> tuple[Json, str]:
    """Reading and retrieval in every language of a folder of parallel files."""
    chosen = resolve_models(settings.models)
    with Progress("stage") as progress:
        report = evaluate_languages(
            flags["folder"],
            load_reader(chosen.reader),
            load_encoder(chosen.encoder),
            across=flags["across"],
            limit=flags["limit"],
            seed=flags["seed"],
            k=flags["k"],
            progress=progress,
        )
    models = {"encoder": chosen.encoder, "reader": chosen.reader}
    return {**models, **report.as_json()}, languages_text(report, chosen.encoder, chosen.reader)


def languages_text(report: LanguagesReport, encoder: str, reader: str) -> str:
    """One row for each language."""
    across = f"asked over {report.across}"
    lines = [
        f"{report.questions:,} questions in each language; encoder {encoder}, reader {reader}.",
        "Exact / F1 of the best span; found: a passage that was read holds the answer.",
        "",
        f"{'':<4} {'gold paragraph':>16} {'own texts':>16} {'found':>6} {across:>16} {'found':>6}",
    ]
    for item in report.languages:
        own, crossed = item.own, item.across
        row = (
            f"{item.language:<4} {_pair(item.read.every.exact, item.read.every.f1):>16} "
            f"{_pair(own.forced.exact, own.forced.f1):>16} {_share(own.recall):>6}"
        )
        if crossed is not None:
            row += f" {_pair(crossed.forced.exact, crossed.forced.f1):>16} {_share(crossed.recall):>6}"
        lines.append(row)
    return "\n".join(lines)


def _pair(exact: float, f1: float) -> str:
    return f"{exact:.1f} / {f1:.1f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"

"""The command `train adapt`: settings out of file and flags, outcomes as JSON and text."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.datasets.setting_types import checked
from index.training.settings import Adaptation
from ui.commands.train import from_file
from ui.render.json_forms import Json, dumps
from ui.settings import Settings, UsageError

if TYPE_CHECKING:
    from index.models.masked_lm import MaskedScores
    from index.training.adapt_encoder import Adapted
    from qa.training.adapt_encoder import Asked

_FLAGS = ("epochs", "whole_words", "head_only", "rate")
_LOOP_FLAGS = ("learning_rate", "seed")


def read_adaptation(flags: Mapping[str, Any], start: str | None) -> Adaptation:
    """What the file says, overridden by what was typed; raises UsageError and DataError."""
    file: Path | None = flags["settings"]
    content = {} if file is None else from_file(file)
    content["sources"] = [*content.get("sources", ()), *flags["files"]]
    if start is not None:
        content["start"] = start
    content |= {name: flags[name] for name in _FLAGS if flags[name]}
    given = {name: flags[name] for name in _LOOP_FLAGS if flags[name] is not None}
    if given:
        content["loop"] = {**content.get("loop", {}), **given}
    return checked(Adaptation, content, where="the command line" if file is None else str(file))


def run(flags: Mapping[str, Any], settings: Settings) -> int:
    """The command."""
    from index.checkpoints.presets import resolve_models
    from index.store.store import Store
    from qa.training.adapt_encoder import adapt
    from ui.render.progress import Progress

    chosen = resolve_models(settings.models)
    adaptation = read_adaptation(flags, chosen.encoder if settings.models else None)
    if flags["restart"]:
        shutil.rmtree(flags["out"] / "checkpoints", ignore_errors=True)
    for path in flags["questions"]:
        if not path.exists():
            raise UsageError(f"there is no {path}", hint="give a SQuAD file or a folder in BEIR form")
    own = nullcontext() if adaptation.sources else Store.open(settings.store, models=settings.models)
    with own as store, Progress("step") as progress, Progress("question") as asking:
        adapted, asked = adapt(
            adaptation,
            flags["out"],
            store=store,
            questions=flags["questions"],
            reader=chosen.reader,
            limit=flags["limit"],
            progress=progress.training,
            asking=asking,
        )
    print(dumps(adapted_json(adapted, asked)) if settings.json else adapted_text(adapted, asked))
    return 0


def adapted_json(adapted: Adapted, asked: Sequence[Asked]) -> Json:
    """Where the encoder is, how well it guesses and finds, before and after."""
    return {
        "encoder": str(adapted.folder),
        "texts": adapted.texts,
        "tokens": adapted.tokens,
        "held_out": adapted.held_out,
        "new_head": adapted.new_head,
        "before": None if adapted.before is None else asdict(adapted.before),
        "after": None if adapted.after is None else asdict(adapted.after),
        "realigned": None if adapted.realigned is None else asdict(adapted.realigned),
        "cosine_masked": adapted.cosine_masked,
        "cosine": adapted.cosine,
        "questions": [asdict(item) for item in asked],
    }


def adapted_text(adapted: Adapted, asked: Sequence[Asked]) -> str:
    """The same for people, ending with the next step."""
    lines = [
        f"{adapted.texts:,} passages, {adapted.tokens:,} tokens; {adapted.held_out:,} passages kept out for "
        "the figures."
    ]
    if adapted.new_head:
        lines.append("The encoder had no language-model head; one was trained first.")
    for name, scores, cosine in (
        ("as it was", adapted.before, 1.0),
        ("after masked-language training", adapted.after, adapted.cosine_masked),
        ("after realignment", adapted.realigned, adapted.cosine),
    ):
        if scores is not None:
            lines.append(
                f"{name:<31} {_scores(scores)}" + ("" if cosine is None else f", cosine {cosine:.4f}")
            )
    for item in asked:
        lines.append(f"{item.name}, {item.questions:,} questions:")
        lines += [
            f"  nDCG@10 {mode:<8} {item.ndcg_before[mode]:.4f} -> {item.ndcg_after[mode]:.4f}"
            f"   (95 % of draws: {found.interval.low:+.4f} to {found.interval.high:+.4f})"
            for mode, found in item.differences.items()
        ]
        if item.f1_before is not None and item.f1_after is not None:
            lines.append(f"  answers' F1      {item.f1_before:.2f} -> {item.f1_after:.2f}")
    if not asked:
        lines.append("Whether search gets better is not known: give labelled questions with --questions.")
    lines.append(
        f"The encoder is in {adapted.folder}; use it with: spanwise reembed --encoder {adapted.folder}"
    )
    return "\n".join(lines)


def _scores(scores: MaskedScores) -> str:
    return (
        f"pseudo-perplexity {scores.pseudo_perplexity:8.2f}, {scores.accuracy:.1%} of "
        f"{scores.tokens:,} hidden tokens guessed"
    )

"""The command `explain`: which words made a passage near to a question, and which the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import DataError
from ingest.records import Span
from ui.arguments import Commands
from ui.render import terminal
from ui.render.json_forms import Json, record_json
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:
    from qa.explanation.pair_report import Reasons
    from qa.explanation.records import TokenWeight

_SHOWN = 8
_KINDS = (".html", ".svg")


def declare(commands: Commands) -> None:
    """Declare `explain`."""
    purpose = "which words made a passage near to a question, and which the answer"
    sub = commands.add("explain", purpose, explain)
    sub.add_argument("question", nargs="+", metavar="QUESTION")
    group = sub.add_mutually_exclusive_group()
    group.add_argument(
        "--passage", metavar="TEXT", help="explain this text instead of the store's best passage"
    )
    group.add_argument("--passage-file", type=Path, metavar="FILE", help="the same from a text file")
    sub.add_argument(
        "--answer", metavar="TEXT", help="explain this span of it instead of the reader's choice"
    )
    sub.add_argument(
        "--layer", type=int, metavar="N", help="attention of this layer in the JSON, from 1 (all)"
    )
    sub.add_argument(
        "--head", type=int, metavar="N", help="attention of this head of the layer, from 1 (mean)"
    )
    sub.add_argument(
        "--out", type=Path, metavar="FILE", help="draw a picture: .html with everything, .svg attention only"
    )


def explain(flags: Flags, settings: Settings) -> int:
    """Explain the reading of a passage that was given, or of the store's best one."""
    from index.checkpoints.presets import resolve_models
    from qa.explanation.pair_report import explain_pair

    out: Path | None = flags["out"]
    if out is not None and out.suffix not in _KINDS:
        raise UsageError(f"{out} is of no known kind", hint=f"end its name in {' or '.join(_KINDS)}")
    question = " ".join(flags["question"])
    passage, answer, source, models = _passage(flags, settings, question)
    if flags["answer"] is not None:
        start = passage.find(flags["answer"])
        if start < 0 or not flags["answer"]:
            raise UsageError(
                f"{flags['answer']!r} does not stand in the passage", hint="copy it letter by letter"
            )
        answer = Span(start=start, end=start + len(flags["answer"]))
    chosen = resolve_models(models)
    reasons = explain_pair(question, passage, encoder=chosen.encoder, reader=chosen.reader, answer=answer)
    _check_head(reasons, flags["layer"], flags["head"])
    if out is not None:
        _draw(reasons, out)
    as_json = {**reasons_json(reasons, flags["layer"], flags["head"]), "source": source}
    terminal.show(settings, as_json, reasons_text(reasons, source, out))
    return 0


def _passage(
    flags: Flags, settings: Settings, question: str
) -> tuple[str, Span | None, str | None, str | None]:
    """The passage, the answer in it if it is known, its path, and the models to explain with."""
    if flags["passage"] is not None:
        return flags["passage"], None, None, settings.models
    if flags["passage_file"] is not None:
        path: Path = flags["passage_file"]
        try:
            return path.read_text(encoding="utf-8"), None, str(path), settings.models
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}", hint="it must be a UTF-8 text") from error
    from index.store.store import Store
    from qa.answering.answerer import Answerer

    with Store.open(settings.store, models=settings.models) as store:
        result = Answerer(store).ask(question, always_answer=True, answers=1)
        models = f"{store.models.encoder},{store.models.reader}"
    if result.answers:
        best = result.answers[0]
        offset = best.passage.start
        span = Span(start=best.start - offset, end=best.end - offset)
        return best.passage.text, span, best.document.path, models
    if not result.passages:
        raise DataError("the store holds no passage for this question", hint="give one with --passage TEXT")
    hit = result.passages[0]
    return hit.passage.text, None, hit.document.path, models


def _check_head(reasons: Reasons, layer: int | None, head: int | None) -> None:
    layers, heads = reasons.attention.weights.shape[:2]
    for name, number, most in (("layer", layer, layers), ("head", head, heads)):
        if number is not None and not 1 <= number <= most:
            raise UsageError(f"there is no {name} {number}", hint=f"give a number from 1 to {most}")
    if head is not None and layer is None:
        raise UsageError("a head belongs to a layer", hint="add --layer N")


def _draw(reasons: Reasons, out: Path) -> None:
    from ui.render.explain_html import attention_svg, reasons_page

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        picture = reasons_page(reasons) if out.suffix == ".html" else attention_svg(reasons.attention)
        out.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error}", hint="give another file") from error


def reasons_json(reasons: Reasons, layer: int | None = None, head: int | None = None) -> Json:
    """Weights by word; the rollout; the attention of a head, or a layer's mean, or every layer's mean."""
    attention, attribution = reasons.attention, reasons.attribution
    weights = attention.weights
    if layer is None:
        chosen = weights.mean(axis=1)
    else:
        chosen = weights[layer - 1].mean(axis=0) if head is None else weights[layer - 1, head - 1]
    answer = None
    if attribution is not None and reasons.answer is not None:
        answer = {
            "text": reasons.passage[reasons.answer.start : reasons.answer.end],
            "start": reasons.answer.start,
            "end": reasons.answer.end,
            "method": attribution.method.value,
            "log_odds": attribution.target_log_odds,
            "baseline": attribution.baseline_log_odds,
            "other": attribution.other,
            "question": [asdict(word) for word in attribution.question],
            "passage": [asdict(word) for word in attribution.passage],
        }
    return {
        "question": reasons.question,
        "passage": reasons.passage,
        "similarity": record_json(reasons.similarity),
        "answer": answer,
        "attention": {
            "layers": int(weights.shape[0]),
            "heads": int(weights.shape[1]),
            "layer": layer,
            "head": head,
            "cut": attention.cut,
            "tokens": [asdict(piece) for piece in attention.pieces],
            "weights": chosen.round(4).tolist(),
            "rollout": attention.rollout.round(4).tolist(),
        },
    }


def reasons_text(reasons: Reasons, source: str | None, out: Path | None) -> str:
    """The strongest words of each side."""
    similarity, attribution = reasons.similarity, reasons.attribution
    lines = [] if source is None else [f"passage of {source}"]
    lines += [
        f"near: cosine {similarity.cosine:.3f}",
        f"  question  {_strongest(similarity.question.words, 3)}",
        f"  passage   {_strongest(similarity.passage.words, 3)}",
    ]
    if attribution is not None and reasons.answer is not None:
        shown = " ".join(reasons.passage[reasons.answer.start : reasons.answer.end].split())
        lines += [
            f'answer: "{shown}", log-odds {attribution.target_log_odds:+.2f} against no answer',
            f"  question  {_strongest(attribution.question, 1)}",
            f"  passage   {_strongest(attribution.passage, 1)}",
        ]
    else:
        lines.append("answer: the reader proposes none")
    lines.append(
        f"The picture is in {out}"
        if out is not None
        else "With --out FILE.html: every word shaded, the attention of every head"
    )
    return "\n".join(lines)


def _strongest(words: Sequence[TokenWeight], digits: int) -> str:
    chosen = sorted(words, key=lambda word: -abs(word.weight))[:_SHOWN]
    return ", ".join(f"{word.text} {word.weight:+.{digits}f}" for word in chosen)

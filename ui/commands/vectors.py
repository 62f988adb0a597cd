"""The commands of the encoder's workbench: `embed`, `nearest`, `eval words`, `eval sentences`, `explain`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ui.render.json_forms import Json, dumps
from ui.settings import Settings, UsageError

if TYPE_CHECKING:
    from index.evaluation.word_similarity import FileReport
    from index.models.export_vectors import EmbedReport
    from index.models.vectorizer import Vectorizer
    from index.search.nearest import Neighbour

Flags = Mapping[str, Any]
_STANDARD = "-"


def embed(flags: Flags, settings: Settings) -> int:
    """Vectors of documents or lines into a file."""
    from index.checkpoints.presets import resolve_models
    from index.models.encoder import load_encoder
    from index.models.export_vectors import documents_below, embed_to_file, lines_as_documents
    from ui.render.progress import Progress

    names: list[str] = flags["paths"]
    lines = flags["lines"] or names == [_STANDARD]
    if _STANDARD in names and names != [_STANDARD]:
        raise UsageError("standard input is embedded alone", hint="give either - or files")
    name = resolve_models(settings.models).encoder
    vectorizer = _vectorizer(flags, settings)
    plain = (flags["layers"], flags["pooling"]) == ("last", "model")
    source = (
        (item for path in names for item in lines_as_documents(_lines(path), path))
        if lines
        else documents_below(names)
    )
    with Progress("vector") as progress:
        report = embed_to_file(
            source,
            flags["out"],
            vectorizer,
            unit=flags["unit"],
            # The very vectors of a search, from the engine that is fastest here.
            whole=load_encoder(name).encode_passages if plain else None,
            progress=lambda now: progress(now.rows, now.rows, f"{now.documents:,} documents"),
        )
    print(dumps(embed_json(report)) if settings.json else embed_text(report))
    return 0


def nearest(flags: Flags, settings: Settings) -> int:
    """Words and sentences of the store that are near."""
    from index.search.nearest import nearest_sentences, nearest_words, word_vectors
    from index.store.store import Store

    text = " ".join(flags["text"])
    with Store.open(settings.store, models=settings.models) as store:
        if flags["unit"] == "word":
            words = word_vectors(store, store.encoder)
            found = nearest_words(text, words, store.encoder, k=flags["k"])
        else:
            found = nearest_sentences(text, store, store.encoder, k=flags["k"])
    print(dumps(nearest_json(text, flags["unit"], found)) if settings.json else nearest_text(found))
    return 0


def eval_words(flags: Flags, settings: Settings) -> int:
    """Word pairs and analogies."""
    from index.datasets.scored_pairs import lines_of
    from index.evaluation.word_similarity import evaluate_words
    from ui.render.progress import Progress

    vectorizer = _vectorizer(flags, settings)
    vocabulary = [] if flags["vocabulary"] is None else list(lines_of(flags["vocabulary"]))
    with Progress("word") as progress:
        reports = evaluate_words(flags["files"], vectorizer, vocabulary=vocabulary, progress=progress)
    _show_figures(reports, vectorizer, settings)
    return 0


def eval_sentences(flags: Flags, settings: Settings) -> int:
    """Sentence pairs."""
    from index.evaluation.word_similarity import evaluate_sentences
    from ui.render.progress import Progress

    vectorizer = _vectorizer(flags, settings)
    with Progress("sentence") as progress:
        reports = evaluate_sentences(flags["files"], vectorizer, progress=progress)
    _show_figures(reports, vectorizer, settings)
    return 0


def explain(flags: Flags, settings: Settings) -> int:
    """Reasons for a question and a passage."""
    from ui.commands.explain import run

    return run(flags, settings)


def train_adapt(flags: Flags, settings: Settings) -> int:
    """Masked-language training on the user's own texts."""
    from ui.commands.adapting import run

    return run(flags, settings)


def embed_json(report: EmbedReport) -> Json:
    """What was written, and what was left out."""
    found = {
        name: getattr(report, name)
        for name in ("out", "unit", "dimension", "rows", "documents", "cut", "seconds")
    }
    rejected = [
        {"path": item.path, "reason": str(item.reason), "detail": item.detail} for item in report.rejected
    ]
    return {**found, "rejected": rejected}


def embed_text(report: EmbedReport) -> str:
    """The same for people."""
    lines = [f"{item.path}: left out, {item.reason} ({item.detail})" for item in report.rejected]
    lines.append(
        f"{report.rows:,} {report.unit} vectors of {report.dimension} dimensions from {report.documents:,} "
        f"documents in {report.seconds:.1f} s: {report.out}"
    )
    if report.cut:
        lines.append(f"{report.cut:,} texts were longer than the model's window and cut")
    return "\n".join(lines)


def nearest_json(text: str, unit: str, found: Sequence[Neighbour]) -> Json:
    """Neighbours, the nearest first; what is not known of one is left out."""
    rows = [{name: value for name, value in asdict(item).items() if value is not None} for item in found]
    return {"text": text, "unit": unit, "nearest": rows}


def nearest_text(found: Sequence[Neighbour]) -> str:
    """The same for people."""
    if not found:
        return "Nothing is near: the store holds nothing that the encoder can read."
    return "\n".join(
        f"{item.cosine:6.3f}  {' '.join(item.text.split())}"
        + (f"   ({item.count:,} times)" if item.count is not None else f"   [{item.path}]")
        for item in found
    )


def figures_text(reports: Sequence[FileReport], vectorizer: Vectorizer) -> str:
    """A table with files as columns and layers as rows, and what was counted."""
    lines = []
    for item in reports:
        unit = "questions" if item.analogies else "pairs"
        lines.append(
            f"{item.name}: {'accuracy' if item.analogies else 'Spearman'} {100 * item.value:.1f} "
            + "("
            + f"mean of {len(vectorizer.layers)} layers, " * bool(item.layers)
            + f"{item.used:,} {unit}, {item.skipped:,} skipped"
            + (f", chosen from {item.vocabulary:,} words)" if item.vocabulary is not None else ")")
        )
        lines += [f"  {100 * value:5.1f}  {name}" for name, value in item.categories.items()]
    if reports and reports[0].layers:
        names = [item.name for item in reports]
        width = max(8, *(len(name) for name in names))
        lines += ["", "layer   " + "  ".join(f"{name:>{width}}" for name in names)]
        for row, layer in enumerate(vectorizer.layers):
            values = "  ".join(f"{100 * item.layers[row].value:>{width}.1f}" for item in reports)
            lines.append(f"{layer:<7} {values}")
        lines.append("mean    " + "  ".join(f"{100 * item.value:>{width}.1f}" for item in reports))
    return "\n".join(lines)


def _show_figures(reports: Sequence[FileReport], vectorizer: Vectorizer, settings: Settings) -> None:
    if settings.json:
        print(dumps({item.name: item.as_json() for item in reports}))
    else:
        print(figures_text(reports, vectorizer))


def _vectorizer(flags: Flags, settings: Settings) -> Vectorizer:
    from index.checkpoints.presets import resolve_models
    from index.models.vectorizer import load_vectorizer

    name = resolve_models(settings.models).encoder
    return load_vectorizer(name, layers=flags["layers"], pooling=flags["pooling"])


def _lines(path: str) -> Iterator[str]:
    if path == _STANDARD:
        yield from sys.stdin
        return
    try:
        with Path(path).expanduser().open(encoding="utf-8", errors="replace") as file:
            yield from file
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="give a text file, or -") from error


COMMANDS: Mapping[str, Callable[[Flags, Settings], int]] = {
    "train adapt": train_adapt,
    "embed": embed,
    "explain": explain,
    "nearest": nearest,
    "eval words": eval_words,
    "eval sentences": eval_sentences,
}

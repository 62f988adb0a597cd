"""The commands `embed`, `nearest`, `eval words` and `eval sentences`: vectors, and their quality."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ui.arguments import Commands, Parser
from ui.render import terminal
from ui.render.json_forms import Json, record_json
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:
    from index.evaluation.word_similarity import FileReport
    from index.models.export_vectors import EmbedReport
    from index.models.vectorizer import Vectorizer
    from index.search.nearest import Neighbour

_STANDARD = "-"


def declare(commands: Commands) -> None:
    """Declare `embed` and `nearest`."""
    sub = commands.add("embed", "write the encoder's vectors of tokens, words, sentences or passages", embed)
    sub.add_argument("paths", nargs="+", metavar="PATH", help="documents and folders; - is standard input")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .npy or .parquet file")
    sub.add_argument("--lines", action="store_true", help="each line of the files is a text by itself")
    sub.add_argument(
        "--unit",
        choices=("token", "word", "sentence", "passage"),
        default="passage",
        help="what gets a vector (passage)",
    )
    _add_vector_flags(sub)

    sub = commands.add("nearest", "the words or sentences of the store nearest to one of yours", nearest)
    sub.add_argument("text", nargs="+", metavar="TEXT", help="a word or a sentence")
    sub.add_argument("--unit", choices=("word", "sentence"), default="word", help="what is compared (word)")
    sub.add_argument("-k", type=int, default=10, metavar="N", help="how many (10)")


def declare_evaluations(commands: Commands) -> None:
    """Declare `eval words` and `eval sentences`."""
    purpose = "agreement of word vectors with people: similarity and analogies"
    sub = commands.add("words", purpose, eval_words)
    form = "word, word, score; or analogies; plain or .gz"
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE", help=form)
    sub.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="more words, one a line, that analogies choose from beside the model's whole words",
    )
    _add_vector_flags(sub)

    purpose = "agreement of sentence vectors with people: STS-B, SICK"
    sub = commands.add("sentences", purpose, eval_sentences)
    form = "STS-B, SICK, or sentence, sentence, score; plain or .gz"
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE", help=form)
    _add_vector_flags(sub)


def _add_vector_flags(sub: Parser) -> None:
    sub.add_argument(
        "--layers",
        default="last",
        metavar="SPEC",
        help="last, all, or numbers such as 0-3,6 (0: the embeddings); several are averaged (last)",
    )
    sub.add_argument(
        "--pooling",
        choices=("model", "mean", "max", "first", "cls"),
        default="model",
        help="how tokens become one vector: as the model was trained, or over the text's own pieces (model)",
    )


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
    terminal.show(settings, record_json(report), embed_text(report))
    return 0


def nearest(flags: Flags, settings: Settings) -> int:
    """Words and sentences of the store that are near."""
    from index.search.nearest import nearest_sentences, nearest_words, word_vectors
    from index.store.store import Store

    text = " ".join(flags["text"])
    with Store.open(settings.store, models=settings.models) as store:
        if flags["unit"] == "word":
            words = word_vectors(store, store.encoder)
            neighbours = nearest_words(text, words, store.encoder, k=flags["k"])
        else:
            neighbours = nearest_sentences(text, store, store.encoder, k=flags["k"])
    terminal.show(settings, nearest_json(text, flags["unit"], neighbours), nearest_text(neighbours))
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


def embed_text(report: EmbedReport) -> str:
    """Files that were left out, and how many vectors went where."""
    lines = [f"{item.path}: left out, {item.reason} ({item.detail})" for item in report.rejected]
    lines.append(
        f"{report.rows:,} {report.unit} vectors of {report.dimension} dimensions from {report.documents:,} "
        f"documents in {report.seconds:.1f} s: {report.out}"
    )
    if report.cut:
        lines.append(f"{report.cut:,} texts were longer than the model's window and cut")
    return "\n".join(lines)


def nearest_json(text: str, unit: str, neighbours: Sequence[Neighbour]) -> Json:
    """Neighbours, the nearest first; what is not known of one is left out."""
    rows = [{name: value for name, value in asdict(item).items() if value is not None} for item in neighbours]
    return {"text": text, "unit": unit, "nearest": rows}


def nearest_text(neighbours: Sequence[Neighbour]) -> str:
    """A line for each neighbour: its cosine, and how often or where it stands."""
    if not neighbours:
        return "Nothing is near: the store holds nothing that the encoder can read."
    return "\n".join(
        f"{item.cosine:6.3f}  {' '.join(item.text.split())}"
        + (f"   ({item.count:,} times)" if item.count is not None else f"   [{item.path}]")
        for item in neighbours
    )


def figures_text(reports: Sequence[FileReport], vectorizer: Vectorizer) -> str:
    """A table with files as columns and layers as rows, and what was counted."""
    lines = []
    for item in reports:
        measure, unit = ("accuracy", "questions") if item.analogies else ("Spearman", "pairs")
        notes = [f"mean of {len(vectorizer.layers)} layers"] if item.layers else []
        notes += [f"{item.used:,} {unit}", f"{item.skipped:,} skipped"]
        if item.vocabulary is not None:
            notes.append(f"chosen from {item.vocabulary:,} words")
        lines.append(f"{item.name}: {measure} {100 * item.value:.1f} ({', '.join(notes)})")
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
    as_json = {item.name: item.as_json() for item in reports}
    terminal.show(settings, as_json, figures_text(reports, vectorizer))


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

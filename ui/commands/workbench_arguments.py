"""The grammar of the encoder's workbench: vectors, their quality, adaptation, reasons. Nothing runs here."""

from __future__ import annotations

import argparse
from pathlib import Path


def declare_adapt(sub: argparse.ArgumentParser) -> None:
    """The flags of `train adapt`."""
    sub.add_argument("--epochs", type=float, metavar="X", help="passes of masked-language training (3)")
    sub.add_argument("--learning-rate", type=float, metavar="X", help="the highest one (1e-4)")
    sub.add_argument("--rate", type=float, metavar="P", help="share of the tokens that are hidden (0.15)")
    sub.add_argument("--whole-words", action="store_true", help="hide all pieces of a word together")
    sub.add_argument(
        "--head-only", action="store_true", help="train a language-model head and leave the encoder as it is"
    )
    sub.add_argument(
        "--questions",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="labelled questions of the collection (SQuAD file or BEIR folder), asked before and after; can "
        "be repeated",
    )
    sub.add_argument(
        "--limit", type=int, metavar="N", help="read answers for a sample of N of a SQuAD file's questions"
    )


def declare_embed(sub: argparse.ArgumentParser) -> None:
    """The flags of `embed`."""
    sub.add_argument("paths", nargs="+", metavar="PATH", help="documents and folders; - is standard input")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .npy or .parquet file")
    sub.add_argument("--lines", action="store_true", help="each line of the files is a text by itself")
    sub.add_argument(
        "--unit",
        choices=("token", "word", "sentence", "passage"),
        default="passage",
        help="what gets a vector (passage)",
    )
    _declare_vectors(sub)


def declare_nearest(sub: argparse.ArgumentParser) -> None:
    """The flags of `nearest`."""
    sub.add_argument("text", nargs="+", metavar="TEXT", help="a word or a sentence")
    sub.add_argument("--unit", choices=("word", "sentence"), default="word", help="what is compared (word)")
    sub.add_argument("-k", type=int, default=10, metavar="N", help="how many (10)")


def declare_vector_evaluation(sub: argparse.ArgumentParser, *, words: bool) -> None:
    """The flags of `eval words` and `eval sentences`."""
    form = "word, word, score; or analogies" if words else "STS-B, SICK, or sentence, sentence, score"
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE", help=f"{form}; plain or .gz")
    if words:
        sub.add_argument(
            "--vocabulary",
            type=Path,
            metavar="FILE",
            help="more words, one a line, that analogies choose from beside the model's whole words",
        )
    _declare_vectors(sub)


def _declare_vectors(sub: argparse.ArgumentParser) -> None:
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


def declare_explain(sub: argparse.ArgumentParser) -> None:
    """The flags of `explain`."""
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

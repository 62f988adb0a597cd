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

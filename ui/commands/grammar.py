"""The grammar of the command line, made of what each group of commands declares; nothing here runs."""

from __future__ import annotations

import argparse

from ui.arguments import Commands, Parser, common_flags
from ui.commands import (
    ask,
    bench,
    evaluate,
    explain,
    feedback,
    ingest,
    labels,
    models,
    serve,
    store,
    train,
    vectors,
)

_DESCRIPTION = """\
Point it at a folder of documents, ask in plain language, get the exact words that answer,
with their page - or an honest "no answer in here". Everything runs on this computer."""

_EXAMPLES = """\
examples:
  spanwise demo                                   see it work on the collection that comes with it
  spanwise ingest ~/papers                        add and update a folder
  spanwise ask "when did word2vec come out?"      the exact words, with their page
  spanwise ui                                     the same in the browser"""


def build_parser() -> argparse.ArgumentParser:
    """The whole grammar; parsing gives `command` (as "eval reader"), its `function` and the flags."""
    common = common_flags()
    parser = Parser(
        prog="spanwise",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
        allow_abbrev=False,
    )
    commands = Commands(parser, common, metavar="COMMAND", title="commands")
    for declare in (
        ingest.declare,
        ask.declare,
        explain.declare,
        serve.declare,
        store.declare,
        labels.declare,
        vectors.declare,
        models.declare,
        bench.declare,
        feedback.declare,
    ):
        declare(commands)
    evaluations = commands.add_kinds(
        commands.add("eval", "measure reading, retrieval or answering on labelled data")
    )
    for declare in (evaluate.declare, labels.declare_evaluation, vectors.declare_evaluations):
        declare(evaluations)
    trainings = commands.add_kinds(commands.add("train", "fine-tune a model on your own labelled data"))
    for declare in (train.declare, labels.declare_training):
        declare(trainings)
    return parser

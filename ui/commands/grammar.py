"""The grammar of the command line, and nothing that runs.

Only argparse and light records are imported here: `--help` must answer at once. The common flags stand on the
main parser and on every command, with no defaults of their own, so that a flag counts wherever it is given.
"""

from __future__ import annotations

import argparse
from argparse import SUPPRESS
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from index.checkpoints.engine_names import ENGINES
from index.records import Mode
from ui.commands.workbench_arguments import (
    declare_adapt,
    declare_embed,
    declare_explain,
    declare_nearest,
    declare_vector_evaluation,
)
from ui.settings import UsageError

BENCH_PARTS = ("fresh", "ingest", "asking", "reading", "encoding", "answers", "growth")

_DESCRIPTION = """\
Point it at a folder of documents, ask in plain language, get the exact words that answer,
with their page - or an honest "no answer in here". Everything runs on this computer."""

_EXAMPLES = """\
examples:
  spanwise demo                                   see it work on the collection that comes with it
  spanwise ingest ~/papers                        add and update a folder
  spanwise ask "when did word2vec come out?"      the exact words, with their page
  spanwise ui                                     the same in the browser"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours, so that they take the same way out as all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"run '{self.prog} --help'")


def build_parser() -> argparse.ArgumentParser:
    """The whole grammar; the parsed namespace holds `command` (such as "eval reader") and what was given."""
    common = _common_flags()
    parser = _Parser(
        prog="spanwise",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=purpose, description=purpose, parents=[common], allow_abbrev=False
        )
        sub.set_defaults(command=name)
        return sub

    for declare in (_ingest, _search, _ask, _ui, _demo, _maintenance, _moving, _label, _calibrate, _vectors):
        declare(add)
    _models(add("models", "list the presets, what is bundled and what is cached; or compare models"), common)
    _evaluations(add("eval", "measure reading, retrieval or answering on labelled data"), common)
    _benches(add("bench", "measure speed and memory"), common)
    _trainings(add("train", "fine-tune a model on your own labelled data"), common)
    _learning(add("learn", "learn from what people said of answers in this store"), common)
    return parser


_Add = Callable[[str, str], argparse.ArgumentParser]


def _common_flags() -> _Parser:
    common = _Parser(add_help=False, argument_default=SUPPRESS, allow_abbrev=False)
    group = common.add_argument_group("common options")
    group.add_argument("--store", metavar="DIR", help="the folder of the store (or SPANWISE_STORE)")
    group.add_argument(
        "--models",
        metavar="SPEC",
        help="PRESET or ENCODER,READER with either side empty (or SPANWISE_MODELS)",
    )
    group.add_argument(
        "--encoder",
        metavar="NAME",
        help="preset, hub id or folder of the encoder alone; NAME@256 takes 256 of its dimensions",
    )
    group.add_argument("--reader", metavar="NAME", help="preset, hub id or folder of the reader alone")
    group.add_argument(
        "--engine",
        choices=ENGINES,
        help="what runs the models (or SPANWISE_ENGINE); by default the fastest, measured once",
    )
    group.add_argument("--json", action="store_true", help="machine-readable standard output")
    return common


def _ingest(add: _Add) -> None:
    sub = add("ingest", "add and update files and folders")
    sub.add_argument("paths", nargs="+", metavar="PATH", help="a file or a folder")
    sub.add_argument("--prune", action="store_true", help="remove documents whose files are gone")
    sub.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
    sub.add_argument(
        "--watch",
        action="store_true",
        help="go on, and keep the store in step with the folders, until Ctrl-C",
    )
    sub.add_argument(
        "--retry-rejected",
        action="store_true",
        help="try files again that were left out and have not changed",
    )
    sub.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="passwords for protected PDF files, one a line (or SPANWISE_PASSWORDS)",
    )
    sub.add_argument(
        "--ocr", action="store_true", help="read pages that are pictures with tesseract, if it is installed"
    )
    sub.add_argument(
        "--ocr-language", metavar="CODES", help="languages of such pages, as in eng+deu; implies --ocr (eng)"
    )
    sub.add_argument("--max-size", type=_positive, metavar="MB", help="leave larger files out (200)")
    sub.add_argument(
        "--max-seconds", type=_positive, metavar="S", help="leave out what takes longer to read (60)"
    )


def _search(add: _Add) -> None:
    sub = add("search", "find the passages nearest to a question")
    sub.add_argument("question", nargs="+", metavar="QUESTION")
    sub.add_argument("-k", type=_positive, default=10, metavar="N", help="number of passages (10)")
    _add_mode(sub)
    _add_filters(sub)


def _ask(add: _Add) -> None:
    sub = add("ask", "answer a question with the exact words of a document, or say that there is no answer")
    sub.add_argument("question", nargs="*", metavar="QUESTION")
    sub.add_argument(
        "--batch",
        metavar="FILE",
        help="one question a line, or JSON lines with id and question; - is standard input; JSON lines out",
    )
    sub.add_argument(
        "--table",
        type=Path,
        metavar="OUT",
        help="with --batch: write a row for each question here, as .csv, .xlsx or .jsonl",
    )
    sub.add_argument(
        "--answers",
        type=_positive,
        metavar="N",
        help="answers at most, however unlikely (without it 3, and as text only those of 5 %% and more)",
    )
    sub.add_argument("-k", type=_positive, default=20, metavar="N", help="passages to read (20)")
    sub.add_argument("--always-answer", action="store_true", help="show the best guess even when unsure")
    sub.add_argument("--why", action="store_true", help="say for each answer what spoke for it")
    sub.add_argument(
        "--min-confidence",
        type=_share,
        metavar="P",
        help="least confidence, 0 to 1, of an answer that is given (fitted)",
    )
    _add_filters(sub)


def _ui(add: _Add) -> None:
    sub = add("ui", "open the page in the browser")
    sub.add_argument("--port", type=_port, default=8501, metavar="N", help="port (8501)")
    sub.add_argument(
        *("--host", "--address"),
        dest="address",
        default="127.0.0.1",
        help="address to listen on (127.0.0.1: this computer only); on any other the page asks for a "
        "password, that of SPANWISE_UI_PASSWORD or a new one",
    )
    sub.add_argument("--headless", action="store_true", help="start no browser")


def _demo(add: _Add) -> None:
    add("demo", "ask the questions of the collection that comes with spanwise")


def _maintenance(add: _Add) -> None:
    sub = add("init", "create an empty store")
    sub.add_argument(
        "--database",
        metavar="URL",
        help="keep its SQL side in a PostgreSQL database, such as postgresql://USER@HOST/NAME; the password "
        "comes from SPANWISE_DATABASE_PASSWORD or PGPASSWORD",
    )
    sub = add("stats", "say what the store holds")
    sub.add_argument(
        "--files", action="store_true", help="file by file: pages, text, notes, what was left out"
    )
    sub = add("delete", "remove documents from the store; files on disk stay")
    sub.add_argument("names", nargs="+", metavar="PATH_OR_ID", help="a file, a folder or a document id")
    add("check", "prove that the store's parts agree")
    add("repair", "rebuild what does not agree")
    sub = add("compact", "write both indexes anew, without what was deleted")
    sub.add_argument(
        "--index",
        metavar="KIND",
        help="kind of the vector index from now on: auto (by size), or a FAISS factory string",
    )


def _moving(add: _Add) -> None:
    sub = add("export", "write all documents with their passages as JSON lines")
    sub.add_argument("file", metavar="FILE", help="compressed if it ends in .gz; - is standard output")
    sub.add_argument(
        "--vectors", action="store_true", help="with their vectors, so that an import need not encode"
    )
    sub.add_argument(
        "--feedback",
        action="store_true",
        help="only what people said of answers, as SQuAD 2.0 JSON that can be trained on and taken in again",
    )
    sub = add("import", "take in what an export holds; a store is made where there is none")
    sub.add_argument("file", metavar="FILE", help="plain or .gz; - is standard input")
    sub.add_argument(
        "--feedback",
        action="store_true",
        help="a SQuAD file: verdicts of `export --feedback`, or labels of paragraphs of your documents",
    )
    sub = add("backup", "copy the store while it is in use; the copy opens as a store")
    sub.add_argument("folder", metavar="DIR", help="a new or an empty folder")
    add("reembed", "change the encoder of a store: --encoder NAME; the old vectors serve until it is done")


def _learning(parser: argparse.ArgumentParser, common: _Parser) -> None:
    kinds = parser.add_subparsers(metavar="KIND", required=True, title="kinds")

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        sub = kinds.add_parser(name, help=purpose, description=purpose, parents=[common], allow_abbrev=False)
        sub.set_defaults(command=f"learn {name}")
        sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of order and chance (0)")
        return sub

    sub = add("reader", "fine-tune the store's reader on the verdicts, and compare it with the one before")
    sub.add_argument("--out", type=Path, metavar="DIR", help="its folder (a new one inside the store)")
    sub.add_argument("--epochs", type=_above_zero, metavar="X", help="passes over the verdicts (3)")
    sub.add_argument(
        "--use", action="store_true", help="let it read in this store from now on if it is no worse"
    )
    add("confidence", "fit confidence and threshold to the verdicts, asked of the store itself")


def _benches(parser: argparse.ArgumentParser, common: _Parser) -> None:
    parser.set_defaults(command="bench")
    parser.add_argument(
        "--parts",
        type=_parts,
        metavar="PART[,PART]",
        help=f"{', '.join(BENCH_PARTS)}; without it all of them",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the record here as it grows")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw its figures into this folder")
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="another store to ask beside --store, such as one made by bench scale; can be repeated",
    )
    parser.add_argument(
        "--documents", type=Path, metavar="DIR", help="a folder to ingest (the demo's collection)"
    )
    parser.add_argument("--files", type=_positive, default=100, metavar="N", help="of them (100)")
    parser.add_argument("--rounds", type=_positive, default=15, metavar="N", help="turns of each way (15)")
    parser.add_argument(
        "--compared", type=_positive, default=100, metavar="N", help="questions compared with float32 (100)"
    )
    parser.add_argument(
        "--asked", type=_positive, default=100, metavar="N", help="questions to a store (100)"
    )
    kinds = parser.add_subparsers(metavar="KIND", title="single kinds")
    purpose = "fill a new store with copies of another one's documents, to measure at sizes not at hand"
    sub = kinds.add_parser("scale", help=purpose, description=purpose, parents=[common], allow_abbrev=False)
    sub.set_defaults(command="bench scale")
    sub.add_argument("target", type=Path, metavar="DIR", help="the new store; --store is the source")
    sub.add_argument(
        "--passages", type=_positive, default=100_000, metavar="N", help="how many it gets (100000)"
    )
    purpose = "time every engine side by side: reading for a question, and encoding"
    sub = kinds.add_parser("engines", help=purpose, description=purpose, parents=[common], allow_abbrev=False)
    sub.set_defaults(command="bench engines")
    sub.add_argument(
        "--passages", type=_positive, default=20, metavar="N", help="of the demo collection (20)"
    )
    sub.add_argument("--rounds", type=_positive, default=15, metavar="N", help="turns of each engine (15)")


def _vectors(add: _Add) -> None:
    declare_embed(add("embed", "write the encoder's vectors of tokens, words, sentences or passages"))
    declare_explain(add("explain", "which words made a passage near to a question, and which the answer"))
    declare_nearest(add("nearest", "the words or sentences of the store nearest to one of yours"))


def _label(add: _Add) -> None:
    sub = add("label", "put labels on passages or files; without any flag, say which labels there are")
    sub.add_argument("names", nargs="*", metavar="PATH_OR_ID", help="what --add and --remove are about")
    kind = sub.add_mutually_exclusive_group()
    kind.add_argument("--classifier", metavar="NAME", help="label by a classifier: its folder, or a hub id")
    kind.add_argument(
        "--labels",
        metavar="A,B,...",
        help="label by the nearest of these names, or of their meanings: 'refund: wants money back, ...'",
    )
    kind.add_argument("--add", metavar="LABEL", help="put this label on files by hand")
    kind.add_argument("--remove", metavar="LABEL", help="take this label off files, or off everything")
    sub.add_argument(
        "--unit", choices=("passage", "document"), default="passage", help="what bears a label (passage)"
    )
    sub.add_argument(
        "--least", type=_share, metavar="P", help="least probability of a label that is given (0.5)"
    )
    sub.add_argument("--dry-run", action="store_true", help="count the labels and store none")
    _add_filters(sub)


def _models(parser: argparse.ArgumentParser, common: _Parser) -> None:
    kinds = parser.add_subparsers(metavar="KIND", title="kinds")
    purpose = "compare models on your own documents and questions, and recommend one"
    sub = kinds.add_parser("compare", help=purpose, description=purpose, parents=[common], allow_abbrev=False)
    sub.set_defaults(command="models compare")
    sub.add_argument("specs", nargs="+", metavar="MODELS", help="PRESET or ENCODER,READER; two or more")
    sub.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        help="SQuAD JSON, whose paragraphs are searched; or questions for the documents of the store: one "
        "a line, or JSON lines with question and answers",
    )
    sub.add_argument("--limit", type=_positive, default=200, metavar="N", help="questions at most (200)")
    sub.add_argument(
        "--passages", type=_positive, default=2000, metavar="N", help="of the store at most (2000)"
    )
    sub.add_argument("-k", type=_positive, default=20, metavar="N", help="passages to read (20)")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the samples (0)")


def _evaluations(parser: argparse.ArgumentParser, common: _Parser) -> None:
    kinds = parser.add_subparsers(metavar="KIND", required=True, title="kinds")

    def add(name: str, purpose: str) -> argparse.ArgumentParser:
        sub = kinds.add_parser(name, help=purpose, description=purpose, parents=[common], allow_abbrev=False)
        sub.set_defaults(command=f"eval {name}")
        return sub

    sub = add("reader", "exact match and F1 on a SQuAD file, each question on its own paragraph")
    sub.add_argument("file", type=Path, metavar="FILE.json", help="SQuAD 1.1 or 2.0, plain or .gz")
    sub.add_argument("--predictions", type=Path, metavar="OUT.json", help="write {id: text} here")
    sub.add_argument(
        "--threshold",
        type=float,
        default=0.0,
        metavar="X",
        help="refuse where the null score is more than X above the best span's (0)",
    )
    _add_plots(sub)

    sub = add("retrieval", "nDCG, recall, MRR and MAP on a collection with judgements")
    sub.add_argument("folder", type=Path, metavar="FOLDER", help="BEIR form, or a SQuAD file")
    sub.add_argument(
        "--mode",
        type=_modes,
        default=(Mode.HYBRID,),
        metavar="MODE[,MODE]",
        help=f"{', '.join(Mode)}; several are compared question by question (hybrid)",
    )
    sub.add_argument("--split", default="test", metavar="NAME", help="judgements to use (test)")
    sub.add_argument("--unit", choices=("passage", "document"), default="passage", help="what is ranked")
    sub.add_argument(
        "--run", type=Path, metavar="OUT.trec", help="write the rankings here (OUT.MODE.trec if several)"
    )
    sub.add_argument(
        "--queries-out",
        type=Path,
        metavar="OUT.jsonl",
        help="write every question's scores, what was missed and what stood there instead here",
    )

    sub = add("classifier", "accuracy, F1 of each label and confusion of a classifier on labelled texts")
    sub.add_argument(
        "files", nargs="+", metavar="FILE", help="labelled texts: .csv, .tsv or .jsonl, plain or .gz"
    )
    sub.add_argument("--classifier", metavar="NAME", help="its folder, or a hub id")
    sub.add_argument(
        "--zero-shot",
        choices=("vectors",),
        help="judge by the labels' names alone: the nearest vector",
    )
    _add_columns(sub)

    sub = add("languages", "reading and retrieval in every language of parallel SQuAD files such as XQuAD")
    sub.add_argument("folder", type=Path, metavar="FOLDER", help="files named *.LANGUAGE.json, plain or .gz")
    sub.add_argument(
        "--across", metavar="XX", default="en", help="also ask every language over this one's texts (en)"
    )
    sub.add_argument("--limit", type=_positive, metavar="N", help="ask N questions in each language")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the sample (0)")
    sub.add_argument("-k", type=_positive, default=20, metavar="N", help="passages to read (20)")

    purpose = "agreement of word vectors with people: similarity and analogies"
    declare_vector_evaluation(add("words", purpose), words=True)
    purpose = "agreement of sentence vectors with people: STS-B, SICK"
    declare_vector_evaluation(add("sentences", purpose), words=False)

    sub = add("answers", "ask every question of a SQuAD file over all its paragraphs")
    sub.add_argument("file", type=Path, metavar="FILE.json", help="SQuAD 1.1 or 2.0, plain or .gz")
    sub.add_argument("--limit", type=_positive, metavar="N", help="ask a sample of N questions")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the sample (0)")
    sub.add_argument("-k", type=_positive, default=20, metavar="N", help="passages to read (20)")
    sub.add_argument(
        "--failures", type=Path, metavar="OUT.jsonl", help="write every wrong question and what lost it here"
    )
    _add_plots(sub)


def _trainings(parser: argparse.ArgumentParser, common: _Parser) -> None:
    kinds = parser.add_subparsers(metavar="KIND", required=True, title="kinds")

    def add(name: str, purpose: str, *, files: str) -> argparse.ArgumentParser:
        sub = kinds.add_parser(name, help=purpose, description=purpose, parents=[common], allow_abbrev=False)
        sub.set_defaults(command=f"train {name}")
        sub.add_argument("files", nargs="*", metavar="FILE", help=files)
        sub.add_argument(
            "--out", type=Path, required=True, metavar="DIR", help=f"folder for the trained {name}"
        )
        sub.add_argument("--settings", type=Path, metavar="FILE.toml", help="all settings, data files too")
        sub.add_argument("--seed", type=int, metavar="S", help="seed of order and chance (0)")
        sub.add_argument("--restart", action="store_true", help="forget the checkpoints in DIR, begin anew")
        return sub

    sub = add(
        "reader",
        "fine-tune a reader on SQuAD files; --reader NAME is the model to start from",
        files="SQuAD 1.1 or 2.0, plain or .gz",
    )
    sub.add_argument("--epochs", type=_above_zero, metavar="X", help="passes over the data, also 0.5 (2)")
    sub.add_argument("--learning-rate", type=_above_zero, metavar="X", help="the highest one (3e-5)")
    sub.add_argument("--strict", action="store_true", help="stop at answers that are not at their offset")

    sub = add(
        "encoder",
        "fine-tune an encoder on questions and passages; --encoder NAME is the model to start from",
        files="SQuAD .json, or .tsv, .csv or .jsonl with question and passage; plain or .gz",
    )
    sub.add_argument("--epochs", type=_above_zero, metavar="X", help="passes over the data, also 0.5 (1)")
    sub.add_argument("--learning-rate", type=_above_zero, metavar="X", help="the highest one (2e-5)")
    sub.add_argument("--strict", action="store_true", help="stop at rows without question or passage")

    declare_adapt(
        add(
            "adapt",
            "go on training the encoder on the words of your own documents; --encoder NAME: to start from",
            files="document, folder, SQuAD file or BEIR folder; without any, the store's documents",
        )
    )

    sub = add(
        "classifier",
        "learn labels of texts, or of pairs of texts; --encoder NAME is the model to start from",
        files=".csv, .tsv or .jsonl with text and label; plain or .gz",
    )
    sub.add_argument(
        "--method",
        choices=("auto", "fine-tune", "linear"),
        help="all of the model, or a linear head on its frozen vectors; auto: linear below 500 texts (auto)",
    )
    sub.add_argument(
        "--adapter",
        type=_positive,
        metavar="RANK",
        help="train low-rank adapters and keep the model as it is",
    )
    sub.add_argument("--epochs", type=_above_zero, metavar="X", help="passes over the data, also 0.5 (4)")
    sub.add_argument("--learning-rate", type=_above_zero, metavar="X", help="the highest one (1e-4)")
    sub.add_argument("--hold-out", type=_share, metavar="SHARE", help="texts kept out to judge by (0.1)")
    sub.add_argument("--strict", action="store_true", help="stop at rows without a text or a label")
    _add_columns(sub)


def _add_columns(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--text-column", metavar="NAME", help="column of the text (text, sentence, premise ...)")
    sub.add_argument("--second-column", metavar="NAME", help="column of the second text of a pair")
    sub.add_argument("--label-column", metavar="NAME", help="column of the label (label, category ...)")


def _add_plots(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--plots", type=Path, metavar="DIR", help="draw the curves into this folder")
    sub.add_argument("--plot-format", choices=("svg", "png"), default="svg", help="of the drawings (svg)")


def _calibrate(add: _Add) -> None:
    sub = add("calibrate", "fit the confidence of answers to labelled questions and keep it in the store")
    sub.add_argument("file", type=Path, metavar="FILE.json", help="SQuAD 1.1 or 2.0, plain or .gz")
    sub.add_argument(
        "--on-store",
        action="store_true",
        help="ask the store's own documents instead of a collection made of the file's paragraphs",
    )
    sub.add_argument(
        "--leave-out",
        type=_share,
        metavar="SHARE",
        help="paragraphs kept out of that collection, so that their questions have no answer (0.2 where the "
        "file has hardly any such question, else 0)",
    )
    sub.add_argument("--limit", type=_positive, metavar="N", help="ask a sample of N questions")
    sub.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the sample (0)")
    sub.add_argument("-k", type=_positive, default=20, metavar="N", help="passages to read (20)")


def _add_mode(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        default=Mode.HYBRID.value,
        help="which index answers (hybrid)",
    )


def _add_filters(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("filters", "each can be repeated: one of the values must fit")
    group.add_argument("--language", action="append", default=[], metavar="XX", help="such as en, de, zh")
    group.add_argument("--path", action="append", default=[], metavar="GLOB", help="file, folder or pattern")
    group.add_argument("--document", action="append", default=[], metavar="ID", help="document id")
    group.add_argument("--type", action="append", default=[], metavar="TYPE", help="such as pdf, md, docx")
    group.add_argument(
        "--label", action="append", default=[], metavar="NAME", help="label on file or passage"
    )
    group.add_argument("--since", type=_moment, metavar="DATE", help="modified on or after (2024-05-31)")
    group.add_argument("--until", type=_last_moment, metavar="DATE", help="modified on or before")


def _modes(text: str) -> tuple[Mode, ...]:
    try:
        return tuple(dict.fromkeys(Mode(part.strip()) for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not made of {', '.join(Mode)} with commas between"
        ) from None


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [part for part in parts if part not in BENCH_PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(BENCH_PARTS)}")
    return parts


def _positive(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return number


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def _above_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _port(text: str) -> int:
    number = _whole(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65535")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2024-05-31") from None
    # A date without a zone is the user's own day.
    return moment if moment.tzinfo else moment.astimezone()


def _last_moment(text: str) -> datetime:
    moment = _moment(text)
    whole_day = len(text.strip()) <= len("2024-05-31")
    return moment.replace(hour=23, minute=59, second=59, microsecond=999_999) if whole_day else moment

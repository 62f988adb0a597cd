"""What the grammar of every command is made of: levels of commands, common flags, types of arguments.

Only argparse and light records are imported here and at the top of the modules in `commands`: `--help` must
answer at once. The common flags stand on the main parser and on every command, with no defaults of their own,
so that a flag counts wherever it is given.
"""

from __future__ import annotations

import argparse
from argparse import SUPPRESS
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from index.checkpoints.engine_names import ENGINES
from index.records import Filters
from ui.settings import Flags, Settings, UsageError

Command = Callable[[Flags, Settings], int]  # the exit status


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are errors of ours, so that they take the same way out as all others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"run '{self.prog} --help'")


class Commands:
    """A level of commands below a parser; parsing gives `command` (as "eval reader") and its `function`."""

    def __init__(
        self, parser: Parser, common: Parser, *, metavar: str, title: str, required: bool = True
    ) -> None:
        self._level = parser.add_subparsers(metavar=metavar, required=required, title=title)
        self._common = common

    def add(self, name: str, purpose: str, run: Command | None = None) -> Parser:
        """Declare a command; `run` is left out where only its kinds run."""
        parser = self._level.add_parser(
            name, help=purpose, description=purpose, parents=[self._common], allow_abbrev=False
        )
        parser.set_defaults(command=parser.prog.partition(" ")[2], function=run)
        return parser

    def add_kinds(self, parser: Parser, *, title: str = "kinds", required: bool = True) -> Commands:
        """The level below one of these commands."""
        return Commands(parser, self._common, metavar="KIND", title=title, required=required)


def common_flags() -> Parser:
    """What `settings` reads, as the parent of every parser."""
    common = Parser(add_help=False, argument_default=SUPPRESS, allow_abbrev=False)
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


def add_filters(parser: Parser) -> None:
    """The flags that `filters_of` reads."""
    group = parser.add_argument_group("filters", "each can be repeated: one of the values must fit")
    group.add_argument("--language", action="append", default=[], metavar="XX", help="such as en, de, zh")
    group.add_argument("--path", action="append", default=[], metavar="GLOB", help="file, folder or pattern")
    group.add_argument("--document", action="append", default=[], metavar="ID", help="document id")
    group.add_argument("--type", action="append", default=[], metavar="TYPE", help="such as pdf, md, docx")
    group.add_argument(
        "--label", action="append", default=[], metavar="NAME", help="label on file or passage"
    )
    group.add_argument("--since", type=moment, metavar="DATE", help="modified on or after (2024-05-31)")
    group.add_argument("--until", type=last_moment, metavar="DATE", help="modified on or before")


def filters_of(flags: Flags) -> Filters:
    """The filters that were given."""
    return Filters(
        languages=tuple(language.lower() for language in flags["language"]),
        paths=tuple(flags["path"]),
        documents=tuple(flags["document"]),
        types=tuple(kind.lower().removeprefix(".") for kind in flags["type"]),
        since=flags["since"],
        until=flags["until"],
        labels=tuple(flags["label"]),
    )


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def positive(text: str) -> int:
    """A whole number from 1 up."""
    number = whole(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return number


def share(text: str) -> float:
    """A number from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def above_zero(text: str) -> float:
    """A finite number above 0."""
    number = _number(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def moment(text: str) -> datetime:
    """The beginning of a day, or a moment; without a zone it is the user's own."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2024-05-31") from None
    return parsed if parsed.tzinfo else parsed.astimezone()


def last_moment(text: str) -> datetime:
    """The end of a day, or a moment."""
    parsed = moment(text)
    whole_day = len(text.strip()) <= len("2024-05-31")
    return parsed.replace(hour=23, minute=59, second=59, microsecond=999_999) if whole_day else parsed


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None

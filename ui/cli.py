"""The command `spanwise`: parse, resolve settings, run one command, turn every failure into one line.

    0    done, also for an honest "no answer"
    2    something the user can correct (`SpanwiseError`): one line and a hint
    1    a bug: one line, with a traceback when SPANWISE_DEBUG is set
    130  interrupted

The commands themselves are in `commands`; what they need of models and indexes is imported when they run, so
that `--help` pays for nothing heavy.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

from index.checkpoints.engine_names import prefer
from ingest.errors import SpanwiseError
from ui.arguments import Command
from ui.commands.grammar import build_parser
from ui.render.json_forms import dumps, error_json
from ui.settings import load_settings, prepare_environment


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return its exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        _use_utf8(stream)
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has closed it; what is still buffered must not fail at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("spanwise: interrupted", file=sys.stderr)
        return 130
    return status


def _run(arguments: Sequence[str]) -> int:
    as_json, debug = "--json" in arguments, False
    try:
        flags = vars(build_parser().parse_args(arguments))
        settings = load_settings(flags, terminal=sys.stdout.isatty())
        debug = settings.debug
        prepare_environment()
        prefer(settings.engine)

        run: Command = flags["function"]
        return run(flags, settings)
    except SpanwiseError as error:
        _report(error, as_json)
        return 2
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:  # the edge: whatever it is, the user gets one line
        if debug:
            traceback.print_exc()
        _report(error, as_json)
        return 1


def _report(error: Exception, as_json: bool) -> None:
    if as_json:
        print(dumps(error_json(error)))
    kind = "" if isinstance(error, SpanwiseError) else f"{type(error).__name__}: "
    print(f"spanwise: {kind}{' '.join(str(error).split())}", file=sys.stderr)
    hint = error.hint if isinstance(error, SpanwiseError) else "set SPANWISE_DEBUG=1 for the traceback"
    if hint:
        print(f"  {hint}", file=sys.stderr)


def _use_utf8(stream: TextIO) -> None:
    # File names that are not UTF-8 arrive as lone surrogates; escaped they are valid in JSON and readable.
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")

"""The command `ingest`: once, or with `--watch` until it is interrupted.

Passwords come from a file or the environment, never from the command line, which every user of the computer
can read.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from index.errors import StoreNotFound
from index.records import IngestReport
from ingest.errors import SpanwiseError
from ui.arguments import Commands, positive
from ui.render import json_forms, terminal
from ui.settings import PASSWORDS_VARIABLE, Flags, Settings, UsageError


def declare(commands: Commands) -> None:
    """Declare `ingest`."""
    sub = commands.add("ingest", "add and update files and folders", ingest)
    sub.add_argument("paths", nargs="+", metavar="PATH", help="a file or a folder")
    sub.add_argument("--prune", action="store_true", help="remove documents whose files are gone")
    sub.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="GLOB",
        help='only files that match, as in "*.md" or "notes/" (as in .gitignore); repeatable',
    )
    sub.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="no files and folders that match; what is stored of them stays; repeatable",
    )
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
    sub.add_argument("--max-size", type=positive, metavar="MB", help="leave larger files out (200)")
    sub.add_argument(
        "--max-seconds", type=positive, metavar="S", help="leave out what takes longer to read (60)"
    )


def ingest(flags: Flags, settings: Settings) -> int:
    """Add and update what lies below the paths; with `--watch` until Ctrl-C."""
    import tempfile

    from index.store.store import Store
    from ui.render.progress import Progress

    if flags["watch"] and flags["dry_run"]:
        raise UsageError("--watch and --dry-run do not go together", hint="leave one of them out")
    options = parse_options(flags, os.environ)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            store = Store.open(settings.store, create=not flags["dry_run"], models=settings.models)
        except StoreNotFound:  # a dry run leaves nothing behind, not even an empty store
            store = Store.open(Path(scratch) / "store", create=True, models=settings.models)

        def run(paths: Sequence[str]) -> IngestReport:
            with Progress("file") as progress:
                return store.ingest(
                    paths,
                    prune=flags["prune"],
                    dry_run=flags["dry_run"],
                    retry_rejected=flags["retry_rejected"],
                    progress=progress.ingest,
                    **options,
                )

        with store:
            if flags["watch"]:
                _watch(store, flags, settings, run, options)
            else:
                _show(settings, run(flags["paths"]), dry_run=flags["dry_run"])
    return 0


def parse_options(flags: Flags, environ: Mapping[str, str]) -> dict[str, Any]:
    """Which files, limits and options of parsing, as `Store.ingest` takes them; raises UsageError."""
    from ingest.conversion.options import ParseOptions
    from ingest.conversion.parser_pool import Limits

    usual = Limits()
    limits = Limits(
        seconds=flags["max_seconds"] or usual.seconds,
        max_bytes=flags["max_size"] * 1_000_000 if flags["max_size"] else usual.max_bytes,
    )
    language = flags["ocr_language"] or ("eng" if flags["ocr"] else None)
    passwords = _passwords(flags["password_file"], environ)
    return {
        "limits": limits,
        "options": ParseOptions(passwords=passwords, ocr=language),
        "include": flags["include"],
        "exclude": flags["exclude"],
    }


def _passwords(file: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """One a line, from the file and from the environment, each once."""
    lines = environ.get(PASSWORDS_VARIABLE, "")
    if file is not None:
        try:
            lines = f"{file.read_text(encoding='utf-8')}\n{lines}"
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"the passwords in {file} cannot be read: {error}",
                hint="give a text file, one password a line",
            ) from error
    return tuple(dict.fromkeys(line for line in lines.splitlines() if line))


def _watch(store: Any, flags: Flags, settings: Settings, run: Any, options: dict[str, Any]) -> None:
    from index.store.watch import watch_folders

    def finished(report: IngestReport) -> None:
        if not settings.json:
            print(time.strftime("%H:%M:%S"), end="  ")
        _show(settings, report)
        sys.stdout.flush()

    def failed(error: SpanwiseError) -> None:
        print(f"spanwise: {error}; trying again", file=sys.stderr, flush=True)

    names = ", ".join(flags["paths"])
    print(f"Watching {names}. Ctrl-C ends it.", file=sys.stderr, flush=True)
    watch_folders(store, flags["paths"], first=run, reported=finished, failed=failed, **options)


def _show(settings: Settings, report: IngestReport, *, dry_run: bool = False) -> None:
    terminal.show(settings, json_forms.record_json(report), terminal.ingest_text(report, dry_run=dry_run))

"""The commands for a store as a whole: `init` to `compact`, `export`, `import`, `backup`, `reembed`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from index.errors import StoreNotFound
from ui.arguments import Commands
from ui.commands.feedback import export_feedback, import_feedback
from ui.render import json_forms, terminal
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:  # this module loads numerics, this one must not
    from index.records import CheckReport


def declare(commands: Commands) -> None:
    """Declare everything that is done to a store as a whole."""
    sub = commands.add("init", "create an empty store", init)
    sub.add_argument(
        "--database",
        metavar="URL",
        help="keep its SQL side in a PostgreSQL database, such as postgresql://USER@HOST/NAME; the password "
        "comes from SPANWISE_DATABASE_PASSWORD or PGPASSWORD",
    )
    sub = commands.add("stats", "say what the store holds", stats)
    sub.add_argument(
        "--files", action="store_true", help="file by file: pages, text, notes, what was left out"
    )
    sub = commands.add("delete", "remove documents from the store; files on disk stay", delete)
    sub.add_argument("names", nargs="+", metavar="PATH_OR_ID", help="a file, a folder or a document id")
    commands.add("check", "prove that the store's parts agree", check)
    commands.add("repair", "rebuild what does not agree", repair)
    sub = commands.add("compact", "write both indexes anew, without what was deleted", compact)
    sub.add_argument(
        "--index",
        metavar="KIND",
        help="kind of the vector index from now on: auto (by size), or a FAISS factory string",
    )

    sub = commands.add("export", "write all documents with their passages as JSON lines", export_store)
    sub.add_argument("file", metavar="FILE", help="compressed if it ends in .gz; - is standard output")
    sub.add_argument(
        "--vectors", action="store_true", help="with their vectors, so that an import need not encode"
    )
    sub.add_argument(
        "--feedback",
        action="store_true",
        help="only what people said of answers, as SQuAD 2.0 JSON that can be trained on and taken in again",
    )
    sub = commands.add(
        "import", "take in what an export holds; a store is made where there is none", import_store
    )
    sub.add_argument("file", metavar="FILE", help="plain or .gz; - is standard input")
    sub.add_argument(
        "--feedback",
        action="store_true",
        help="a SQuAD file: verdicts of `export --feedback`, or labels of paragraphs of your documents",
    )
    sub = commands.add("backup", "copy the store while it is in use; the copy opens as a store", backup)
    sub.add_argument("folder", metavar="DIR", help="a new or an empty folder")
    commands.add(
        "reembed",
        "change the encoder of a store: --encoder NAME; the old vectors serve until it is done",
        reembed,
    )


def init(flags: Flags, settings: Settings) -> int:
    """Create an empty store, or say that there is one."""
    from index.store.store import Store

    try:
        Store.open(settings.store, models=settings.models).close()
        existed = True
    except StoreNotFound:
        existed = False
    with Store.open(settings.store, create=True, models=settings.models, database=flags["database"]) as store:
        encoder, reader = store.models.encoder, store.models.reader
    facts = {"store": str(settings.store), "created": not existed, "encoder": encoder, "reader": reader}
    verb = "There already is a store" if existed else "Created an empty store"
    terminal.show(settings, facts, f"{verb} in {settings.store} (encoder {encoder}, reader {reader}).")
    return 0


def stats(flags: Flags, settings: Settings) -> int:
    """Say what the store holds, or what was read of every file."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        if flags["files"]:
            from ui.render.file_report import coverage_json, coverage_text

            pieces, end = (coverage_json, "") if settings.json else (coverage_text, "\n")
            for piece in pieces(store.files()):
                print(piece, end=end)
            print(end="\n" if settings.json else "")
            return 0
        stats = store.stats()
    terminal.show(settings, json_forms.record_json(stats), terminal.stats_text(stats, str(settings.store)))
    return 0


def delete(flags: Flags, settings: Settings) -> int:
    """Remove documents."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        removed = store.delete(flags["names"])
    terminal.show(settings, {"removed": removed}, f"{removed:,} removed")
    return 0


def check(flags: Flags, settings: Settings) -> int:
    """Say whether the parts of the store agree; 1 where they do not."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        return _show_check(settings, store.check())


def repair(flags: Flags, settings: Settings) -> int:
    """Rebuild what does not agree; 1 where something still does not."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        return _show_check(settings, store.repair())


def _show_check(settings: Settings, report: CheckReport) -> int:
    terminal.show(settings, json_forms.check_json(report), terminal.check_text(report))
    return 0 if report.ok else 1


def compact(flags: Flags, settings: Settings) -> int:
    """Write both indexes without what was deleted."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        info = store.compact(index=flags["index"])
    terminal.show(settings, {"index": json_forms.record_json(info)}, terminal.index_text(info))
    return 0


def export_store(flags: Flags, settings: Settings) -> int:
    """Write documents, or verdicts, to a file."""
    if flags["feedback"]:
        return export_feedback(flags, settings)
    from index.store.export import STANDARD
    from index.store.store import Store
    from ui.render.progress import Progress, say

    with Store.open(settings.store, models=settings.models) as store, Progress("document") as progress:
        report = store.export_file(flags["file"], vectors=flags["vectors"], progress=progress)
    if flags["file"] == STANDARD:  # the documents themselves have taken standard output
        say(terminal.export_text(report))
    else:
        terminal.show(settings, json_forms.record_json(report), terminal.export_text(report))
    return 0


def import_store(flags: Flags, settings: Settings) -> int:
    """Take in documents, or verdicts, from a file; a store is made where there is none."""
    if flags["feedback"]:
        return import_feedback(flags, settings)
    from index.store.read_export import read_export
    from index.store.store import Store
    from ui.render.progress import Progress

    with read_export(flags["file"]) as export:
        try:
            store = Store.open(settings.store, models=settings.models)
        except StoreNotFound:
            models = settings.models or export.header.models
            store = Store.open(settings.store, create=True, models=models)
        with store, Progress("document") as progress:
            report = store.import_file(export, progress=progress)
    terminal.show(settings, json_forms.record_json(report), terminal.import_text(report))
    return 0 if report.ok else 1


def backup(flags: Flags, settings: Settings) -> int:
    """Copy the store."""
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        report = store.backup(flags["folder"])
    terminal.show(settings, json_forms.record_json(report), terminal.backup_text(report))
    return 0


def reembed(flags: Flags, settings: Settings) -> int:
    """Change the encoder of the store, and the reader where one is named too."""
    from index.checkpoints.presets import resolve_models
    from index.store.store import Store
    from ui.render.progress import Progress

    if settings.models is None or not (settings.models.partition(",")[0]):
        raise UsageError("reembed needs the encoder to change to", hint="name it: --encoder NAME")
    chosen = resolve_models(settings.models)
    _, comma, reader = settings.models.partition(",")
    with Store.open(settings.store) as store, Progress("passage") as progress:
        report = store.reembed(chosen.encoder, progress=progress)
        if reader or not comma:
            store.read_with(chosen.reader)
    terminal.show(settings, json_forms.record_json(report), terminal.reembed_text(report))
    return 0

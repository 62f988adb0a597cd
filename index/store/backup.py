"""Backs up a store, while others write, into a folder that opens as a store.

The copy shows the database at one moment and is always a SQLite file. Uploaded files, fitted confidences and
models that were trained in the store are copied too, the checkpoints of their training are not, nor are the
indexes, which are derived. `store.json` is written last, so that an unfinished copy is no store.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

from index.errors import StoreError
from index.records import BackupReport
from index.sql.catalog import Catalog
from index.sql.database import copy_database
from index.store.folder import DATABASE, folder_size, read_settings, write_settings

_FOLDERS = ("uploads", "calibration", "models")


def back_up(catalog: Catalog, folder: Path, target: str | Path) -> BackupReport:
    """Copy the store in `folder` into a new or empty folder; raises StoreError where that cannot be done."""
    started = time.monotonic()
    goal = Path(target).expanduser().absolute()
    if goal.is_file() or (goal.is_dir() and any(goal.iterdir())):
        raise StoreError(f"{goal} is not empty", hint="give a new or an empty folder for the copy")
    if goal.is_relative_to(folder):
        raise StoreError(f"{goal} lies inside the store", hint="give a folder outside of it")
    try:
        goal.mkdir(parents=True, exist_ok=True)
        copy_database(catalog.engine, goal / DATABASE)
        for name in _FOLDERS:
            if (folder / name).is_dir():
                shutil.copytree(folder / name, goal / name, ignore=shutil.ignore_patterns("checkpoints"))
        (goal / "index").mkdir()
        settings = {**read_settings(folder), "database": DATABASE}
        write_settings(goal, settings)
    except (OSError, shutil.Error, sqlite3.Error) as error:
        raise StoreError(
            f"the copy in {goal} could not be finished: {error}",
            hint="empty the folder, make room, and run it again",
        ) from error
    return BackupReport(folder=str(goal), bytes=folder_size(goal), seconds=time.monotonic() - started)

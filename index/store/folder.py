"""The folder of a store: `store.json`, which says where the database is, and how a folder becomes a store.

    store.json    format, database (a file name, or the URL of a server's database), chosen kind of index

The file is replaced as a whole. It holds no password.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from index.errors import StoreError
from index.sql.database import checked_url

SETTINGS = "store.json"
DATABASE = "spanwise.db"
_FORMAT = 1
_INSIDE = "store:"  # no hub id has a colon


def make_folder(folder: Path, database: str | None = None) -> bool:
    """Make a store of a new or empty folder; False if it is one. `database` is the URL of a server's."""
    url = DATABASE if database is None else checked_url(database)
    if (folder / SETTINGS).is_file():
        recorded = read_settings(folder)["database"]
        if database is not None and recorded != url:
            raise StoreError(
                f"there already is a store in {folder}, in the database {recorded}",
                hint="give another folder with --store, or take what it holds along with export and import",
            )
        return False
    if folder.is_file():
        raise StoreError(f"{folder} is a file", hint="give a folder for the store")
    if folder.is_dir() and any(path.name != _temporary(path).name for path in folder.iterdir()):
        raise StoreError(
            f"{folder} is not empty and holds no store", hint="give an empty or a new folder for the store"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_settings(folder, {"format": _FORMAT, "database": url})
    except OSError as error:
        raise StoreError(
            f"a store cannot be made in {folder}: {error.strerror}", hint="give a folder you may write to"
        ) from error
    return True


def named_inside(folder: Path, models: str) -> str:
    """The names of models with the store's own folder called "store:", wherever it lies.

    >>> named_inside(Path("/s"), "en=/s/models/mine;base")
    'en=store:models/mine;base'
    """
    return models.replace(f"{folder}{os.sep}", _INSIDE)


def found_inside(folder: Path, models: str) -> str:
    """The names of models as they are today, where `named_inside` recorded them.

    >>> found_inside(Path("/t"), "en=store:models/mine;base")
    'en=/t/models/mine;base'
    """
    return models.replace(_INSIDE, f"{folder}{os.sep}")


def read_settings(folder: Path) -> dict[str, object]:
    """What store.json says; raises StoreError if it cannot be read."""
    try:
        settings: dict[str, object] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        database = settings["database"]
        if not isinstance(database, str) or ("://" not in database and Path(database).name != database):
            raise ValueError(f"its database is {database!r}, neither a file in this folder nor a URL")
        return settings
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{folder / SETTINGS} cannot be read: {error}", hint="restore it from a copy"
        ) from error


def write_settings(folder: Path, settings: Mapping[str, object]) -> None:
    """Replace store.json, past a loss of power."""
    temporary = _temporary(folder / SETTINGS)
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(settings, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / SETTINGS)


def database_url(folder: Path) -> str:
    """The database of a store: SQLite inside the folder, or the URL that the store was made with."""
    database = str(read_settings(folder)["database"])
    if "://" in database:
        return database
    file = folder / database
    if os.access(folder, os.W_OK):
        return f"sqlite:///{file}"
    # SQLite keeps a shared-memory file beside a database in WAL mode; in a read-only folder it can make none.
    log, shared = (file.with_name(file.name + end) for end in ("-wal", "-shm"))
    if not (log.is_file() and log.stat().st_size):
        return f"sqlite:///file:{file}?mode=ro&immutable=1&uri=true"
    if shared.is_file():
        return f"sqlite:///file:{file}?mode=ro&uri=true"
    return f"sqlite:///{_copied(file, log)}"


def _copied(*files: Path) -> Path:
    """Copies of a database and its log where both can be read together, until this process ends."""
    place = Path(tempfile.mkdtemp(prefix="spanwise-database-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    for file in files:
        shutil.copy(file, place)
    return place / files[0].name


def folder_size(folder: Path) -> int:
    """Bytes on disk; files that a writer takes away while they are counted do not count."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total


def _temporary(path: Path) -> Path:
    return path.with_name(f"{SETTINGS}.new")

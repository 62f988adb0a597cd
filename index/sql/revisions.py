"""Settings and the revision counter, inside the caller's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from index.sql.schema import Setting


def get_setting(connection: Connection, name: str) -> str | None:
    """One recorded fact, None if it was never set."""
    return connection.scalar(select(Setting.value).where(Setting.name == name))


def set_setting(connection: Connection, name: str, value: str) -> None:
    """Record one fact."""
    changed = connection.execute(update(Setting).where(Setting.name == name).values(value=value))
    if not changed.rowcount:
        connection.execute(insert(Setting).values(name=name, value=value))


def next_revision(connection: Connection) -> int:
    """Count the revision up; on a server other writers wait here."""
    counter = select(Setting.value).where(Setting.name == "revision").with_for_update()
    revision = int(connection.scalar(counter) or 0) + 1
    set_setting(connection, "revision", str(revision))
    return revision

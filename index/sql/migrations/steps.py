"""Schemas of earlier versions, brought up to date by Alembic's operations, one step a version.

    versions/schema_1.py    the first schema, from nothing
    versions/schema_2.py    from 1 to 2, and so on

The store's own record of its schema (`settings.schema_version`) is the only one: there is no version table
beside it. All steps run in the caller's transaction, so that a process killed in between leaves the old
schema. Imported only when a store needs it, because loading Alembic takes longer than answering a question.
"""

from __future__ import annotations

from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def migrate(connection: Connection, found: int, wanted: int) -> None:
    """Bring the tables from schema `found` (0: none) to `wanted`, in the connection's transaction."""
    scripts = ScriptDirectory(str(Path(__file__).parent))
    steps = scripts.iterate_revisions(str(wanted), str(found) if found else "base")
    with Operations.context(MigrationContext.configure(connection)):
        for step in reversed(list(steps)):
            step.module.upgrade()

"""How much of a piece of work is spent inside the database; for measurements, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event


@dataclass(slots=True)
class Spent:
    """Time in which a connection to the database was in use, and the statements meanwhile."""

    milliseconds: float = 0.0
    statements: int = 0


@contextmanager
def inside_sql(engine: Engine) -> Iterator[Spent]:
    """What is spent meanwhile: on statements, on reading their rows and on making records of them."""
    spent, began = Spent(), 0.0

    def taken(*_: object) -> None:
        nonlocal began
        began = time.perf_counter()

    def given_back(*_: object) -> None:
        spent.milliseconds += 1000 * (time.perf_counter() - began)

    def executed(connection: object, cursor: object, statement: str, *_: object) -> None:
        spent.statements += not statement.startswith("BEGIN")

    listening: tuple[tuple[Any, str, Callable[..., None]], ...] = (
        (engine.pool, "checkout", taken),
        (engine.pool, "checkin", given_back),
        (engine, "before_cursor_execute", executed),
    )
    for target, name, listener in listening:
        event.listen(target, name, listener)
    try:
        yield spent
    finally:
        for target, name, listener in listening:
            event.remove(target, name, listener)

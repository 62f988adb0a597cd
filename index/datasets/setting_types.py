"""Types of the entries of a settings file, and the check of a whole one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from index.errors import DataError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AboveZero = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
# Of settings dataclasses: an entry of a file that they do not have is an error.
STRICT: dict[str, Any] = {"extra": "forbid"}

_Settings = TypeVar("_Settings", bound="DataclassInstance")


def checked(kind: type[_Settings], content: Mapping[str, Any], *, where: str) -> _Settings:
    """Settings from a mapping, as read from TOML; a dataclass made in Python is not checked.

    A table that names some entries keeps the defaults of `kind` for the others. Raises DataError that names
    the entry of file `where`.
    """
    filled = dict(content)
    for entry in fields(kind):
        table = content.get(entry.name)
        default = None if entry.default_factory is MISSING else entry.default_factory()
        if isinstance(table, Mapping) and is_dataclass(default) and not isinstance(default, type):
            filled[entry.name] = {**asdict(default), **table}
    try:
        return TypeAdapter(kind).validate_python(filled)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(
            f"{where}: {place or 'the settings'}: {first['msg']} (got {first['input']!r})",
            hint=f"known are: {', '.join(entry.name for entry in fields(kind))}",
        ) from error

"""Options for reading files: passwords and text recognition.

They are sent to the parsing process with every request, never as its arguments or environment, because other
programs can see those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseOptions:
    """`passwords` are tried on protected PDF files; `ocr` names the languages to recognise, such as
    `eng+deu`, or is None where pages without text stay without.
    """

    passwords: tuple[str, ...] = field(default=(), repr=False)
    ocr: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The options as plain JSON values."""
        return {"passwords": list(self.passwords), "ocr": self.ocr}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ParseOptions:
        """The options that `as_json` was given."""
        return cls(passwords=tuple(value["passwords"]), ocr=value["ocr"])

"""What was read of every file and what was not: the table of `stats --files` and its JSON form.

Both are written as the files come from the store, because there may be a million of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from index.records import FileReport
from ui.render.json_forms import Json
from ui.render.phrasing import count
from ui.render.terminal import printable

_HEAD = f"{'type':<6} {'lang':<4} {'pages':>9} {'characters':>12}  file"


@dataclass(slots=True, kw_only=True)
class _Sums:
    files: int = 0
    pages: int = 0
    pages_with_text: int = 0
    characters: int = 0
    passages: int = 0
    warnings: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, file: FileReport) -> None:
        if file.rejected is not None:
            self.rejected[file.rejected.reason.value] += 1
            return
        self.files += 1
        self.pages += file.pages
        self.pages_with_text += file.pages_with_text
        self.characters += file.characters
        self.passages += file.passages
        self.warnings += len(file.warnings)
        self.languages[file.language] += 1
        self.types[file.type] += 1

    def as_json(self) -> Json:
        return {
            "files": self.files,
            "pages": self.pages,
            "pages_with_text": self.pages_with_text,
            "characters": self.characters,
            "passages": self.passages,
            "warnings": self.warnings,
            "languages": dict(self.languages.most_common()),
            "types": dict(self.types.most_common()),
            "rejected": dict(self.rejected.most_common()),
        }


def coverage_text(files: Iterable[FileReport]) -> Iterator[str]:
    """One line a file, its warnings below it, the sums at the end."""
    sums = _Sums()
    yield _HEAD
    for file in files:
        sums.add(file)
        if file.rejected is None:
            pages = f"{file.pages_with_text}/{file.pages}" if file.pages else "-"
            yield (
                f"{file.type:<6} {file.language:<4} {pages:>9} {file.characters:>12,}  {printable(file.path)}"
            )
            yield from (f"{'':>35}{printable(warning)}" for warning in file.warnings)
        else:
            yield f"{'left out':<33}  {printable(file.path)}"
            yield f"{'':>35}{file.rejected.reason.value}: {printable(file.rejected.detail)}"
    yield ""
    yield (
        f"{count(sums.files, 'file')}, {sums.pages_with_text:,} of {count(sums.pages, 'page')} with text, "
        f"{count(sums.characters, 'character')}, {count(sums.warnings, 'note')}"
    )
    yield f"languages: {_listed(sums.languages)}"
    yield f"left out:  {_listed(sums.rejected)}"


def coverage_json(files: Iterable[FileReport]) -> Iterator[str]:
    """One object in pieces: `files`, each with what was read or why nothing was, and `totals`."""
    sums = _Sums()
    yield '{"files": ['
    for number, file in enumerate(files):
        sums.add(file)
        yield (", " if number else "") + json.dumps(_file(file), ensure_ascii=False)
    yield f'], "totals": {json.dumps(sums.as_json(), ensure_ascii=False)}}}'


def _file(file: FileReport) -> Json:
    rejected = file.rejected
    return {
        "path": file.path,
        "bytes": file.size_bytes,
        "type": file.type or None,
        "language": file.language or None,
        "pages": file.pages,
        "pages_with_text": file.pages_with_text,
        "characters": file.characters,
        "passages": file.passages,
        "warnings": list(file.warnings),
        "rejected": None if rejected is None else {"reason": rejected.reason, "detail": rejected.detail},
    }


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.most_common()) or "-"

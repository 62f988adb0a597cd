"""The manifest: the files of the published indexes, and the store and revision that they belong to.

A manifest is replaced as a whole and last of all, so that a reader sees either the old state or the new one.
It names its store, so that files which were copied over from another store are recognised.
"""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index.dense.index_kinds import Effort

_LOG = logging.getLogger(__name__)
_FORMAT = 3
_READABLE = (1, 2, 3)
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproximateFile:
    """The approximate index of a segment: its factory string, and for how many vectors it was trained."""

    file: str
    bytes: int
    sha256: str
    kind: str
    trained: int
    effort: Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFile:
    """One segment: its exact file, its approximate one if it has one, its recall@10 when it was built.

    `edges` is the checksum of the first and last part of the exact file, small enough to be compared whenever
    it is opened.
    """

    file: str
    vectors: int
    bytes: int
    sha256: str
    recall: float | None = None
    approximate: ApproximateFile | None = None
    edges: str | None = None

    def files(self) -> tuple[tuple[str, int, str], ...]:
        """Name, size and checksum of each of its files."""
        exact = (self.file, self.bytes, self.sha256)
        beside = self.approximate
        return (exact,) if beside is None else (exact, (beside.file, beside.bytes, beside.sha256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Which files make up the state of which revision.

    `lexical_commit` is the least commit of the lexical index that shows this state, `lexical_pruned` the
    revision up to which deleted passages are certainly out of it. `languages` are those of the documents, and
    perhaps of some that have been deleted. Earlier formats know neither these nor the store.
    """

    revision: int
    fingerprint: str
    dimension: int
    segments: tuple[SegmentFile, ...]
    lexical: str
    lexical_commit: int = 0
    lexical_pruned: int = 0
    languages: tuple[str, ...] | None = None
    store: str = ""

    @property
    def recall(self) -> float | None:
        """recall@10 over all segments, by their sizes; None for none measured."""
        parts = [(entry.recall, entry.vectors) for entry in self.segments if entry.recall is not None]
        vectors = sum(count for _, count in parts)
        return sum(recall * count for recall, count in parts) / vectors if vectors else None

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """The published manifest, None if there is none that can be read."""
        try:
            data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if data.pop("format") not in _READABLE:
                return None
            # The first format measured one recall for all segments, which were all exact.
            recall = data.pop("measured_recall", None)
            segments = tuple(_segment({"recall": recall, **segment}) for segment in data.pop("segments"))
            languages = data.pop("languages", None)
            return cls(segments=segments, languages=None if languages is None else tuple(languages), **data)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _LOG.warning("the index manifest cannot be read (%s); it is made again", error)
            return None

    def write(self, folder: Path) -> None:
        """Put this manifest in force, atomically and past a loss of power."""
        temporary = folder / f"{MANIFEST}.{uuid.uuid4().hex[:8]}"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"format": _FORMAT, **asdict(self)}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / MANIFEST)
        _sync_folder(folder)


def _segment(data: Mapping[str, Any]) -> SegmentFile:
    values = dict(data)
    beside = values.pop("approximate", None)
    if beside is not None:
        beside = ApproximateFile(**{**beside, "effort": Effort(**beside["effort"])})
    return SegmentFile(approximate=beside, **values)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

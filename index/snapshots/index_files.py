"""The files of the published indexes: opened once for all snapshots, looked over when they are opened.

Opening looks at sizes, headers and the ends of files, and at the checksums of approximate indexes, which are
read whole anyway; `verify` looks at all checksums.
"""

from __future__ import annotations

import logging
from pathlib import Path
from weakref import WeakValueDictionary

from index.dense.faiss_segment import Approximate, DamagedSegment, Segment
from index.dense.manifest import Manifest, SegmentFile
from index.dense.segment_writer import checksum_of, edges_of
from index.lexical.tantivy_index import LexicalIndex

_LOG = logging.getLogger(__name__)


class IndexFiles:
    """The index folder of one store; `damaged` holds the names of approximate indexes that cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: set[str] = set()
        self._opened: WeakValueDictionary[tuple[str, ...], Segment] = WeakValueDictionary()

    def lexical(self, manifest: Manifest) -> LexicalIndex:
        """The lexical index of a manifest; raises DamagedLexicalIndex."""
        return LexicalIndex.open(
            self.folder / manifest.lexical, store=manifest.store, commit=manifest.lexical_commit
        )

    def exact(self, entry: SegmentFile, dimension: int) -> Segment:
        """The exact file of a segment; raises DamagedSegment or OSError."""
        return self._segment(entry, dimension, None)

    def searchable(self, entry: SegmentFile, dimension: int) -> Segment:
        """A segment with its approximate index, if it has one; opened once for all snapshots that show it.

        Raises DamagedSegment or OSError.
        """
        key = tuple(name for name, _, _ in entry.files())
        self.require_size(entry)
        opened = self._opened.get(key)
        if opened is None:
            opened = self._segment(entry, dimension, self._approximate(entry))
            self._opened[key] = opened
        return opened

    def _segment(self, entry: SegmentFile, dimension: int, beside: Approximate | None) -> Segment:
        self.require_size(entry)
        path = self.folder / entry.file
        if entry.edges is not None and edges_of(path) != entry.edges:
            raise DamagedSegment(f"{entry.file} is another file or damaged")
        return Segment(path, dimension, beside)

    def require_size(self, entry: SegmentFile) -> None:
        """Raise DamagedSegment for a file of another size than recorded."""
        size = (self.folder / entry.file).stat().st_size
        if size != entry.bytes:
            raise DamagedSegment(f"{entry.file}: {size} bytes instead of {entry.bytes}")

    def _approximate(self, entry: SegmentFile) -> Approximate | None:
        beside = entry.approximate
        if beside is None or beside.file in self.damaged:
            return None
        path = self.folder / beside.file
        try:
            if checksum_of(path) != beside.sha256:
                raise DamagedSegment(f"{beside.file} does not match its checksum")
            return Approximate(path, beside.effort)
        except (DamagedSegment, OSError) as error:
            # Not a reason to rebuild all: the exact file gives the same results, only later.
            _LOG.warning(
                "an approximate index is damaged (%s); until the next write or repair, which build "
                "it again, its vectors are scanned",
                error,
            )
            self.damaged.add(beside.file)
            return None

"""The two indexes derived from SQL, and how a new state of them is published.

    publish: SQL revision R -> new exact segment, lexical commit -> one manifest, renamed last
    adopt:   a large segment that `building` has made in the meantime -> the same, at the same revision

Vector segments are immutable files with new names; the manifest names those that belong together, with sizes,
checksums and the revision they show. A process killed anywhere before the rename leaves the old manifest in
force, and the next `publish` does the work again from SQL. `open` looks at sizes and headers only, and at the
checksums of approximate indexes, which are read whole anyway; `problems` at all of them. What is missing or
damaged is rebuilt from SQL, never fatal; without its approximate index a segment is scanned.

Publishing never waits for a large build: it writes segments below the size from which indexes are
approximate (see `kinds`), so that what was committed can be searched at once.
"""

from __future__ import annotations

import logging
import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
from filelock import FileLock

from index.catalog import Catalog, Ids
from index.kinds import IndexRules
from index.lexical import DamagedLexicalIndex, LexicalIndex, LexicalView
from index.manifest import MANIFEST, Manifest, SegmentFile
from index.segments import MOST_DEAD, VectorIndex, members, merge_plan
from index.vectors import BLOCK, Approximate, DamagedSegment, Segment
from index.writing import Blocks, checksum_of, living_blocks, write_exact

_LOG = logging.getLogger(__name__)
_LOCK = "publish.lock"
BUILDING = "building"


class StaleDerived(Exception):
    """The files on disk cannot show the state that is asked for; publishing again from SQL mends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """What a search asks: both indexes, and the languages in which words of a question are stemmed."""

    vectors: VectorIndex
    lexical: LexicalView
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Indexes):
    """What a reader holds: both indexes at one revision, unchanged while a writer works."""

    revision: int


class Derived:
    """The folder of the derived indexes of one store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: set[str] = set()
        self.frozen: frozenset[str] = frozenset()
        self._opened: WeakValueDictionary[tuple[str, ...], Segment] = WeakValueDictionary()
        self._threads = threading.RLock()

    def stamp(self) -> tuple[int, int, int] | None:
        """Changes whenever another state is published."""
        try:
            status = (self.folder / MANIFEST).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def open(self, catalog: Catalog, fingerprint: str) -> Snapshot:
        """The published state; raises StaleDerived if the files cannot give it."""
        manifest = Manifest.read(self.folder)
        if manifest is None or manifest.fingerprint != fingerprint:
            raise StaleDerived("no index of this encoder is published")
        try:
            segments = [self._searchable(entry, manifest.dimension) for entry in manifest.segments]
            lexical = LexicalIndex.open(self.folder / manifest.lexical).view()
        except (DamagedSegment, DamagedLexicalIndex, OSError) as error:
            raise StaleDerived(str(error)) from error
        deleted = catalog.deleted_passages(0, manifest.revision)
        return Snapshot(
            revision=manifest.revision,
            vectors=VectorIndex(segments, manifest.dimension, deleted),
            lexical=lexical,
            languages=tuple(catalog.languages()),
        )

    def publish(
        self,
        catalog: Catalog,
        fingerprint: str,
        dimension: int,
        rules: IndexRules,
        *,
        anew: bool = False,
    ) -> Manifest:
        """Bring both indexes to SQL's revision (from nothing with `anew`) and put the manifest in force."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._publishing():
            revision = catalog.revision()
            manifest = None if anew else Manifest.read(self.folder)
            if manifest is not None and (manifest.fingerprint != fingerprint or manifest.revision > revision):
                manifest = None
            if manifest is not None and manifest.revision == revision:
                return manifest
            since = manifest.revision if manifest else 0
            lexical = self._publish_lexical(catalog, manifest, since, revision)
            try:
                segments = self._publish_vectors(catalog, manifest, revision, fingerprint, dimension, rules)
            except (DamagedSegment, OSError) as error:
                if manifest is None:
                    raise
                _LOG.warning("a vector segment is damaged (%s); the vector index is rebuilt", error)
                segments = self._publish_vectors(catalog, None, revision, fingerprint, dimension, rules)
            published = Manifest(
                revision=revision,
                fingerprint=fingerprint,
                dimension=dimension,
                segments=segments,
                lexical=lexical,
            )
            self._put_in_force(published)
            return published

    def adopt(self, sources: Sequence[SegmentFile], made: SegmentFile | None, files: Sequence[Path]) -> bool:
        """Put a built segment (None for one without a living passage) in the place of what it was made of.

        `files` are moved into the folder. False, and nothing happens, when a source is no longer published.
        """
        with self._publishing():
            manifest = Manifest.read(self.folder)
            names = [source.file for source in sources]
            held = [entry.file for entry in manifest.segments] if manifest else []
            if manifest is None or names[0] not in held:
                return False
            start = held.index(names[0])
            if held[start : start + len(names)] != names:
                return False
            for file in files:
                file.replace(self.folder / file.name)
            put = () if made is None else (made,)
            segments = (*manifest.segments[:start], *put, *manifest.segments[start + len(names) :])
            self._put_in_force(replace(manifest, segments=segments))
            return True

    def problems(self, catalog: Catalog, fingerprint: str) -> list[str]:
        """Where the files disagree with their checksums, with SQL or with each other."""
        manifest = Manifest.read(self.folder)
        if manifest is None:
            return ["index: no manifest is published"]
        found = [
            f"index: {name} does not match its checksum"
            for entry in manifest.segments
            for name, _, checksum in entry.files()
            if not (self.folder / name).is_file() or checksum_of(self.folder / name) != checksum
        ]
        try:
            snapshot = self.open(catalog, fingerprint)
        except StaleDerived as error:
            return [*found, f"index: {error}"]
        if snapshot.revision != catalog.revision():
            found.append(f"index: shows revision {snapshot.revision}, SQL is at {catalog.revision()}")
        living, _ = catalog.living_passages(snapshot.revision)
        found += _differences("lexical index", snapshot.lexical.ids(), living)
        embedded = catalog.vector_ids(0, snapshot.revision, fingerprint)
        found += _differences("vector index", snapshot.vectors.ids(), embedded)
        for ids, vectors in catalog.vector_blocks(embedded, fingerprint, manifest.dimension, BLOCK):
            lengths = np.linalg.norm(vectors, axis=1)
            found += [
                f"vector of passage {passage_id} has length {length:.3f}"
                for passage_id, length in zip(ids, lengths, strict=True)
                if not abs(length - 1) < 0.01
            ]
        return found

    def exact(self, entry: SegmentFile, dimension: int) -> Segment:
        """The exact file of a segment; raises DamagedSegment or OSError."""
        path = self.folder / entry.file
        if path.stat().st_size != entry.bytes:
            raise DamagedSegment(f"{entry.file}: {path.stat().st_size} bytes instead of {entry.bytes}")
        return Segment(path, dimension)

    def _searchable(self, entry: SegmentFile, dimension: int) -> Segment:
        """A segment with what it has; opened once for all snapshots that show it."""
        key = tuple(name for name, _, _ in entry.files())
        for name, size, _ in entry.files()[:1]:
            if (self.folder / name).stat().st_size != size:
                raise DamagedSegment(f"{name}: not {size} bytes")
        opened = self._opened.get(key)
        if opened is None:
            opened = Segment(self.folder / entry.file, dimension, self._approximate(entry))
            self._opened[key] = opened
        return opened

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

    def _publish_lexical(self, catalog: Catalog, manifest: Manifest | None, since: int, revision: int) -> str:
        if manifest is not None:
            try:
                index = LexicalIndex.open(self.folder / manifest.lexical)
                index.update(
                    catalog.lexical_entries(since, revision),
                    catalog.deleted_passages(since, revision).tolist(),
                )
                return manifest.lexical
            except (DamagedLexicalIndex, ValueError, OSError) as error:
                _LOG.warning("the lexical index is damaged (%s); it is rebuilt", error)
        name = f"lexical-{uuid.uuid4().hex[:12]}"
        LexicalIndex.create(self.folder / name).update(catalog.lexical_entries(0, revision), [])
        return name

    def _publish_vectors(
        self,
        catalog: Catalog,
        manifest: Manifest | None,
        revision: int,
        fingerprint: str,
        dimension: int,
        rules: IndexRules,
    ) -> tuple[SegmentFile, ...]:
        kept = list(manifest.segments) if manifest else []
        for entry in kept:
            self.exact(entry, dimension)
        deleted = catalog.deleted_passages(0, revision)
        ids = catalog.vector_ids(manifest.revision if manifest else 0, revision, fingerprint)
        if len(ids):
            start = max((n + 1 for n, entry in enumerate(kept) if entry.file in self.frozen), default=0)
            sizes = [*(entry.vectors for entry in kept[start:]), len(ids)]
            merged = merge_plan(sizes, limit=rules.least) - 1
            sources, kept = kept[len(kept) - merged :], kept[: len(kept) - merged]
            old = living_blocks([self.exact(entry, dimension) for entry in sources], deleted)
            new = catalog.vector_blocks(ids, fingerprint, dimension, BLOCK)
            kept += self._written(chain(old, new), dimension, revision)
        written = [
            part
            for entry in kept
            for part in self._without_dead(entry, deleted, dimension, revision, rules.least)
        ]
        return tuple(written)

    def _without_dead(
        self, entry: SegmentFile, deleted: Ids, dimension: int, revision: int, least: int
    ) -> list[SegmentFile]:
        """A small segment, written anew if too much of it is deleted; large ones are left to `building`."""
        if entry.vectors >= least or entry.file in self.frozen or not len(deleted):
            return [entry]
        segment = self.exact(entry, dimension)
        if members(segment.ids, deleted).mean() <= MOST_DEAD:
            return [entry]
        return self._written(living_blocks([segment], deleted), dimension, revision)

    def _written(self, blocks: Blocks, dimension: int, revision: int) -> list[SegmentFile]:
        entry = write_exact(self.folder, blocks, dimension, revision)
        return [] if entry is None else [entry]

    def _put_in_force(self, manifest: Manifest) -> None:
        manifest.write(self.folder)
        self._remove_unused(manifest)

    def _remove_unused(self, manifest: Manifest) -> None:
        """Remove files of earlier states; readers that hold them keep them open until they refresh."""
        segments = {name for entry in manifest.segments for name, _, _ in entry.files()}
        used = {MANIFEST, _LOCK, BUILDING, manifest.lexical, *segments}
        for path in self.folder.iterdir():
            if path.name not in used:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    @contextmanager
    def _publishing(self) -> Iterator[None]:
        """Held by whoever replaces the manifest, against other threads and other processes."""
        with self._threads, FileLock(self.folder / _LOCK):
            yield


def _differences(name: str, found: Ids, expected: Ids) -> list[str]:
    missing, extra = np.setdiff1d(expected, found), np.setdiff1d(found, expected)
    problems = []
    if len(missing):
        problems.append(f"{name}: {len(missing)} passages are missing, the first is {missing[0]}")
    if len(extra):
        problems.append(f"{name}: {len(extra)} passages are not in SQL, the first is {extra[0]}")
    return problems

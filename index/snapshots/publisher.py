"""The two indexes derived from SQL, and how a new state of them is published.

    publish: SQL revision R -> new exact segment, passages added to the lexical index -> one manifest, renamed
             last -> what was deleted up to R taken out of the lexical index
    adopt:   a large segment that `background_build` has made meanwhile -> the same, at the same revision

Vector segments are immutable files with new names; the manifest names those that belong together, with sizes,
checksums and the revision they show. A process killed anywhere before the rename leaves the old manifest in
force, and the next `publish` does the work again from SQL. The lexical index changes in place; it holds every
passage of the old state until the new one is in force, and what it shows too early or too late is told from
SQL by the revision of the reader. `open` looks at sizes, headers and the ends of files, and at the checksums
of approximate indexes, which are read whole anyway; `verify` looks at all of them. What is missing, is
damaged or belongs to another store is rebuilt from SQL, never fatal; without its approximate index a segment
is scanned.

Publishing never waits for a large build: it writes segments below the size from which indexes are
approximate (see `index_kinds`), so that what was committed can be searched at once. Its cost depends on what
was committed, not on what the store holds.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from index.dense.faiss_segment import BLOCK, Approximate, DamagedSegment, Segment
from index.dense.index_kinds import IndexRules
from index.dense.manifest import MANIFEST, Manifest, SegmentFile
from index.dense.segment_writer import Blocks, checksum_of, edges_of, living_blocks, write_exact
from index.dense.vector_index import MOST_DEAD, VectorIndex, merge_plan
from index.errors import StoreLocked
from index.lexical.tantivy_index import DamagedLexicalIndex, LexicalIndex, LexicalView
from index.os_errors import explained
from index.protocols import Ids
from index.records import LexicalEntry
from index.snapshots.deletions import Deletions
from index.sql.catalog import Catalog

_LOG = logging.getLogger(__name__)
_LOCK = "publish.lock"
# Others hold the lock while they publish; a process that was stopped in the middle must not stop all others.
_LOCK_SECONDS = 60.0
# A writer that publishes faster than a reader can open what it publishes.
_OPEN_SECONDS = 5.0
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
    fingerprint: str


class Derived:
    """The folder of the derived indexes of one store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: set[str] = set()
        self.frozen: frozenset[str] = frozenset()
        self.deletions = Deletions()
        self._opened: WeakValueDictionary[tuple[str, ...], Segment] = WeakValueDictionary()
        self._held: list[Segment] = []
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
        until = time.monotonic() + _OPEN_SECONDS
        while True:
            stamp = self.stamp()
            try:
                snapshot = self._open(catalog, fingerprint)
            except StaleDerived:
                if self.stamp() == stamp or time.monotonic() > until:
                    raise
                continue
            # Files that were replaced between two looks do not show one state.
            if self.stamp() == stamp or time.monotonic() > until:
                return snapshot

    def _open(self, catalog: Catalog, fingerprint: str) -> Snapshot:
        manifest = self.manifest(catalog)
        if manifest is None or manifest.fingerprint != fingerprint:
            raise StaleDerived("no index of this encoder and this store is published")
        try:
            segments = [self.searchable(entry, manifest.dimension) for entry in manifest.segments]
            lexical = self.lexical(manifest).view()
        except (DamagedSegment, DamagedLexicalIndex, OSError) as error:
            raise StaleDerived(str(error)) from error
        languages = manifest.languages
        return Snapshot(
            revision=manifest.revision,
            fingerprint=fingerprint,
            vectors=VectorIndex(segments, manifest.dimension, self.deletions.at(catalog, manifest.revision)),
            lexical=lexical,
            languages=tuple(catalog.documents.languages()) if languages is None else languages,
        )

    def manifest(self, catalog: Catalog) -> Manifest | None:
        """The published manifest, None if there is none or it is another store's."""
        manifest = Manifest.read(self.folder)
        if manifest is not None and manifest.store not in ("", catalog.settings.get("store_id") or ""):
            _LOG.warning("the index in %s belongs to another store; it is made again", self.folder)
            return None
        return manifest

    def publish(
        self,
        catalog: Catalog,
        fingerprint: str,
        dimension: int,
        rules: IndexRules,
        *,
        anew: bool = False,
    ) -> Manifest:
        """Bring both indexes to SQL's revision (from nothing with `anew`) and put the manifest in force.

        Raises StoreError where there is no room or no right to write, StoreLocked where another process
        holds the folder; then the state before stays in force.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._publishing():
                return self._publish(catalog, fingerprint, dimension, rules, anew=anew)
        except (DamagedSegment, DamagedLexicalIndex, OSError, ValueError, RuntimeError) as error:
            said = explained(error, str(self.folder))
            if said is None:
                raise
            raise said from error

    def _publish(
        self, catalog: Catalog, fingerprint: str, dimension: int, rules: IndexRules, *, anew: bool
    ) -> Manifest:
        revision = catalog.revision()
        manifest = None if anew else self.manifest(catalog)
        if manifest is not None and manifest.revision > revision:
            manifest = None
        if manifest is not None and (manifest.revision, manifest.fingerprint) == (revision, fingerprint):
            return manifest
        try:
            published = self._written_state(catalog, manifest, revision, fingerprint, dimension, rules)
            published.write(self.folder)
        except BaseException:
            # Whatever was written so far only takes up room.
            self._remove_unused(Manifest.read(self.folder))
            raise
        self._remove_unused(published)
        if manifest is not None and len(gone := catalog.passages.deleted(manifest.revision, revision)):
            self.lexical(published).update([], gone.tolist())
        return published

    def _written_state(
        self,
        catalog: Catalog,
        manifest: Manifest | None,
        revision: int,
        fingerprint: str,
        dimension: int,
        rules: IndexRules,
    ) -> Manifest:
        store = catalog.settings.get("store_id") or ""
        lexical, languages = self._publish_lexical(catalog, manifest, revision, store)
        try:
            # The vectors of another encoder are of no use; its words are.
            held = manifest if manifest is not None and manifest.fingerprint == fingerprint else None
            segments = self._publish_vectors(catalog, held, revision, fingerprint, dimension, rules)
        except (DamagedSegment, OSError) as error:
            if manifest is None or explained(error, str(self.folder)) is not None:
                raise
            _LOG.warning("a vector segment is damaged (%s); the vector index is rebuilt", error)
            segments = self._publish_vectors(catalog, None, revision, fingerprint, dimension, rules)
        return Manifest(
            revision=revision,
            fingerprint=fingerprint,
            dimension=dimension,
            segments=segments,
            lexical=lexical.folder.name,
            lexical_commit=lexical.commit,
            lexical_pruned=manifest.revision if manifest else revision,
            languages=languages,
            store=store,
        )

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
            adopted = replace(manifest, segments=segments)
            adopted.write(self.folder)
            self._remove_unused(adopted)
            return True

    def lexical(self, manifest: Manifest) -> LexicalIndex:
        """The lexical index of a manifest; raises DamagedLexicalIndex."""
        return LexicalIndex.open(
            self.folder / manifest.lexical, store=manifest.store, commit=manifest.lexical_commit
        )

    def exact(self, entry: SegmentFile, dimension: int) -> Segment:
        """The exact file of a segment; raises DamagedSegment or OSError."""
        return self._segment(entry, dimension, None)

    def searchable(self, entry: SegmentFile, dimension: int) -> Segment:
        """A segment with what it has; opened once for all snapshots that show it.

        Raises DamagedSegment or OSError.
        """
        key = tuple(name for name, _, _ in entry.files())
        self._require_size(entry)
        opened = self._opened.get(key)
        if opened is None:
            opened = self._segment(entry, dimension, self._approximate(entry))
            self._opened[key] = opened
        return opened

    def _segment(self, entry: SegmentFile, dimension: int, beside: Approximate | None) -> Segment:
        self._require_size(entry)
        path = self.folder / entry.file
        if entry.edges is not None and edges_of(path) != entry.edges:
            raise DamagedSegment(f"{entry.file} is another file or damaged")
        return Segment(path, dimension, beside)

    def _require_size(self, entry: SegmentFile) -> None:
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

    def _publish_lexical(
        self, catalog: Catalog, manifest: Manifest | None, revision: int, store: str
    ) -> tuple[LexicalIndex, tuple[str, ...] | None]:
        """The lexical index with every passage of the new state, and of the old; the languages of both."""
        seen: dict[str, None] = {}
        if manifest is not None:
            seen = dict.fromkeys(
                catalog.documents.languages() if manifest.languages is None else manifest.languages
            )
            try:
                index = self.lexical(manifest)
                entries = _noting(catalog.passages.lexical_entries(manifest.revision, revision), seen)
                gone = catalog.passages.deleted(manifest.lexical_pruned, manifest.revision)
                index.update(entries, gone.tolist())
                return index, tuple(seen)
            except (DamagedLexicalIndex, ValueError, OSError) as error:
                if explained(error, str(self.folder)) is not None:
                    raise
                _LOG.warning("the lexical index is damaged (%s); it is rebuilt", error)
        index = LexicalIndex.create(self.folder / f"lexical-{uuid.uuid4().hex[:12]}", store)
        index.update(_noting(catalog.passages.lexical_entries(0, revision), seen), [])
        return index, tuple(seen)

    def _publish_vectors(
        self,
        catalog: Catalog,
        manifest: Manifest | None,
        revision: int,
        fingerprint: str,
        dimension: int,
        rules: IndexRules,
    ) -> tuple[SegmentFile, ...]:
        since = manifest.revision if manifest else 0
        kept = list(manifest.segments) if manifest else []
        for entry in kept:
            self._require_size(entry)
        deleted = self.deletions.at(catalog, revision)
        ids = catalog.vectors.ids(since, revision, fingerprint)
        if len(ids):
            start = max((n + 1 for n, entry in enumerate(kept) if entry.file in self.frozen), default=0)
            sizes = [*(entry.vectors for entry in kept[start:]), len(ids)]
            merged = merge_plan(sizes, limit=rules.least) - 1
            sources, kept = kept[len(kept) - merged :], kept[: len(kept) - merged]
            old = living_blocks([self.exact(entry, dimension) for entry in sources], deleted)
            new = catalog.vectors.blocks(ids, fingerprint, dimension, BLOCK)
            kept += self._written(chain(old, new), dimension, revision)
        if not kept or not len(catalog.passages.deleted(since, revision)):
            return tuple(kept)
        written = [
            part
            for entry in kept
            for part in self._without_dead(entry, deleted, dimension, revision, rules.least)
        ]
        self._held = [self.searchable(entry, dimension) for entry in written]
        return tuple(written)

    def _without_dead(
        self, entry: SegmentFile, deleted: Ids, dimension: int, revision: int, least: int
    ) -> list[SegmentFile]:
        """A small segment, written again if much of it is deleted; `background_build` does large ones."""
        if entry.vectors >= least or entry.file in self.frozen:
            return [entry]
        segment = self.searchable(entry, dimension)
        if segment.dead_share(deleted) <= MOST_DEAD:
            return [entry]
        return self._written(living_blocks([segment], deleted), dimension, revision)

    def _written(self, blocks: Blocks, dimension: int, revision: int) -> list[SegmentFile]:
        entry = write_exact(self.folder, blocks, dimension, revision)
        return [] if entry is None else [entry]

    def _remove_unused(self, manifest: Manifest | None) -> None:
        """Remove files of other states; readers that hold them keep them open until they refresh."""
        used = {MANIFEST, _LOCK, BUILDING}
        if manifest is not None:
            used |= {manifest.lexical}
            used |= {name for entry in manifest.segments for name, _, _ in entry.files()}
        self._held = [segment for segment in self._held if segment.path.name in used]
        for path in self.folder.iterdir():
            if path.name not in used:
                # What cannot be removed now is removed another time.
                with suppress(OSError):
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    @contextmanager
    def _publishing(self) -> Iterator[None]:
        """Held by whoever replaces the manifest, against other threads and other processes."""
        with self._threads:
            try:
                lock = FileLock(self.folder / _LOCK, timeout=_LOCK_SECONDS)
                lock.acquire()
            except Timeout as error:
                raise StoreLocked(
                    f"another process has been publishing in {self.folder} for {_LOCK_SECONDS:.0f} seconds",
                    hint="wait until it has finished, or end it; what was committed is kept",
                ) from error
            try:
                yield
            finally:
                lock.release()


def _noting(entries: Iterable[LexicalEntry], languages: dict[str, None]) -> Iterator[LexicalEntry]:
    """The entries, with their languages noted as they pass."""
    for entry in entries:
        languages[entry.language] = None
        yield entry

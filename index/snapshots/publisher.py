"""Publishes new states of the two indexes that are derived from SQL, and opens the published one.

    publish: SQL revision R -> new exact segment, passages added to the lexical index -> one manifest, renamed
             last -> passages deleted up to R taken out of the lexical index
    adopt:   a large segment built in the background (`background_build`) -> the same, at the same revision

Vector segments are immutable files with new names; the manifest names those that belong together, with sizes,
checksums and the revision they show. A process killed anywhere before the rename leaves the old manifest in
force, and the next `publish` does the work again from SQL. The lexical index changes in place; it holds every
passage of the old state until the new one is in force, and readers filter by revision what it shows too early
or too late. Files that are missing, damaged or another store's are rebuilt from SQL, never fatal; a segment
without its approximate index is scanned.

Publishing never waits for a large build: it writes segments below the size from which indexes are
approximate (see `index_kinds`), so that what was committed can be searched at once. Its cost depends on the
size of the change, not of the store.
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

from filelock import FileLock, Timeout

from index.dense.faiss_segment import BLOCK, DamagedSegment, Segment
from index.dense.index_kinds import IndexRules
from index.dense.manifest import MANIFEST, Manifest, SegmentFile
from index.dense.segment_writer import Blocks, living_blocks, write_exact
from index.dense.vector_index import MOST_DEAD, VectorIndex, merge_plan
from index.errors import StoreLocked
from index.lexical.tantivy_index import DamagedLexicalIndex, LexicalIndex, LexicalView
from index.os_errors import explained
from index.protocols import Ids
from index.records import LexicalEntry
from index.snapshots.deletions import DeletedPassages
from index.snapshots.index_files import IndexFiles
from index.sql.catalog import Catalog

_LOG = logging.getLogger(__name__)
_LOCK = "publish.lock"
# Others hold the lock while they publish; a process that was stopped in the middle must not stop all others.
_LOCK_SECONDS = 60.0
# A writer that publishes faster than a reader can open what it publishes.
_OPEN_SECONDS = 5.0
BUILDING = "building"


class StaleIndex(Exception):
    """The files on disk do not show the present state; publishing again from SQL repairs them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """Both indexes, and the languages in which the words of a question are stemmed."""

    vectors: VectorIndex
    lexical: LexicalView
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Indexes):
    """Both indexes at one revision, unchanged while a writer works."""

    revision: int
    fingerprint: str


class Publisher:
    """Publishes and opens the indexes in one folder."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self._catalog = catalog
        self.files = IndexFiles(folder)
        self.frozen: frozenset[str] = frozenset()
        self.deletions = DeletedPassages(catalog)
        self._held: list[Segment] = []
        self._threads = threading.RLock()

    def stamp(self) -> tuple[int, int, int] | None:
        """A value that changes whenever another state is published, None before the first."""
        try:
            status = (self.folder / MANIFEST).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def open(self, fingerprint: str) -> Snapshot:
        """The published state; raises StaleIndex if the files cannot give it."""
        until = time.monotonic() + _OPEN_SECONDS
        while True:
            stamp = self.stamp()
            try:
                snapshot = self._open(fingerprint)
            except StaleIndex:
                if self.stamp() == stamp or time.monotonic() > until:
                    raise
                continue
            # Files that were replaced between two looks do not show one state.
            if self.stamp() == stamp or time.monotonic() > until:
                return snapshot

    def _open(self, fingerprint: str) -> Snapshot:
        manifest = self.manifest()
        if manifest is None or manifest.fingerprint != fingerprint:
            raise StaleIndex("no index of this encoder and this store is published")
        try:
            segments = [self.files.searchable(entry, manifest.dimension) for entry in manifest.segments]
            lexical = self.files.lexical(manifest).view()
        except (DamagedSegment, DamagedLexicalIndex, OSError) as error:
            raise StaleIndex(str(error)) from error
        languages = manifest.languages
        return Snapshot(
            revision=manifest.revision,
            fingerprint=fingerprint,
            vectors=VectorIndex(segments, manifest.dimension, self.deletions.at(manifest.revision)),
            lexical=lexical,
            languages=tuple(self._catalog.documents.languages()) if languages is None else languages,
        )

    def manifest(self) -> Manifest | None:
        """The published manifest, None if there is none or it is another store's."""
        manifest = Manifest.read(self.folder)
        if manifest is not None and manifest.store not in ("", self._catalog.settings.get("store_id") or ""):
            _LOG.warning("the index in %s belongs to another store; it is made again", self.folder)
            return None
        return manifest

    def publish(
        self,
        fingerprint: str,
        dimension: int,
        rules: IndexRules,
        *,
        from_scratch: bool = False,
    ) -> Manifest:
        """Bring both indexes to SQL's revision, or build them `from_scratch`, and put the manifest in force.

        Raises StoreError where there is no room or no right to write, StoreLocked where another process
        holds the folder; then the state before stays in force.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._publishing():
                return self._publish(fingerprint, dimension, rules, from_scratch=from_scratch)
        except (DamagedSegment, DamagedLexicalIndex, OSError, ValueError, RuntimeError) as error:
            known = explained(error, str(self.folder))
            if known is None:
                raise
            raise known from error

    def _publish(
        self, fingerprint: str, dimension: int, rules: IndexRules, *, from_scratch: bool
    ) -> Manifest:
        revision = self._catalog.revision()
        manifest = None if from_scratch else self.manifest()
        if manifest is not None and manifest.revision > revision:
            manifest = None
        if manifest is not None and (manifest.revision, manifest.fingerprint) == (revision, fingerprint):
            return manifest
        try:
            published = self._written_state(manifest, revision, fingerprint, dimension, rules)
            published.write(self.folder)
        except BaseException:
            # Whatever was written so far only takes up room.
            self._remove_unused(Manifest.read(self.folder))
            raise
        self._remove_unused(published)
        if manifest is not None and len(gone := self._catalog.passages.deleted(manifest.revision, revision)):
            self.files.lexical(published).update([], gone.tolist())
        return published

    def _written_state(
        self,
        manifest: Manifest | None,
        revision: int,
        fingerprint: str,
        dimension: int,
        rules: IndexRules,
    ) -> Manifest:
        store = self._catalog.settings.get("store_id") or ""
        lexical, languages = self._publish_lexical(manifest, revision, store)
        try:
            # The vectors of another encoder are of no use; its words are.
            same_encoder = manifest if manifest is not None and manifest.fingerprint == fingerprint else None
            segments = self._publish_vectors(same_encoder, revision, fingerprint, dimension, rules)
        except (DamagedSegment, OSError) as error:
            if manifest is None or explained(error, str(self.folder)) is not None:
                raise
            _LOG.warning("a vector segment is damaged (%s); the vector index is rebuilt", error)
            segments = self._publish_vectors(None, revision, fingerprint, dimension, rules)
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
        """Publish a built segment in place of its sources (None if all their passages are deleted).

        `files` are moved into the folder. False, and nothing happens, when a source is no longer published.
        """
        with self._publishing():
            manifest = Manifest.read(self.folder)
            names = [source.file for source in sources]
            published = [entry.file for entry in manifest.segments] if manifest else []
            if manifest is None or names[0] not in published:
                return False
            start = published.index(names[0])
            if published[start : start + len(names)] != names:
                return False
            for file in files:
                file.replace(self.folder / file.name)
            built = () if made is None else (made,)
            segments = (*manifest.segments[:start], *built, *manifest.segments[start + len(names) :])
            adopted = replace(manifest, segments=segments)
            adopted.write(self.folder)
            self._remove_unused(adopted)
            return True

    def _publish_lexical(
        self, manifest: Manifest | None, revision: int, store: str
    ) -> tuple[LexicalIndex, tuple[str, ...] | None]:
        """The lexical index with every passage of the new state, and of the old; the languages of both."""
        languages: dict[str, None] = {}
        if manifest is not None:
            languages = dict.fromkeys(
                self._catalog.documents.languages() if manifest.languages is None else manifest.languages
            )
            try:
                index = self.files.lexical(manifest)
                entries = _noting(
                    self._catalog.passages.lexical_entries(manifest.revision, revision), languages
                )
                deleted = self._catalog.passages.deleted(manifest.lexical_pruned, manifest.revision)
                index.update(entries, deleted.tolist())
                return index, tuple(languages)
            except (DamagedLexicalIndex, ValueError, OSError) as error:
                if explained(error, str(self.folder)) is not None:
                    raise
                _LOG.warning("the lexical index is damaged (%s); it is rebuilt", error)
        index = LexicalIndex.create(self.folder / f"lexical-{uuid.uuid4().hex[:12]}", store)
        index.update(_noting(self._catalog.passages.lexical_entries(0, revision), languages), [])
        return index, tuple(languages)

    def _publish_vectors(
        self,
        manifest: Manifest | None,
        revision: int,
        fingerprint: str,
        dimension: int,
        rules: IndexRules,
    ) -> tuple[SegmentFile, ...]:
        since = manifest.revision if manifest else 0
        entries = list(manifest.segments) if manifest else []
        for entry in entries:
            self.files.require_size(entry)
        deleted = self.deletions.at(revision)
        ids = self._catalog.vectors.ids(since, revision, fingerprint)
        if len(ids):
            start = max((n + 1 for n, entry in enumerate(entries) if entry.file in self.frozen), default=0)
            sizes = [*(entry.vectors for entry in entries[start:]), len(ids)]
            merged = merge_plan(sizes, limit=rules.least) - 1
            sources, entries = entries[len(entries) - merged :], entries[: len(entries) - merged]
            old = living_blocks([self.files.exact(entry, dimension) for entry in sources], deleted)
            new = self._catalog.vectors.blocks(ids, fingerprint, dimension, BLOCK)
            entries += self._written(chain(old, new), dimension, revision)
        if not entries or not len(self._catalog.passages.deleted(since, revision)):
            return tuple(entries)
        written = [
            part
            for entry in entries
            for part in self._without_dead(entry, deleted, dimension, revision, rules.least)
        ]
        self._held = [self.files.searchable(entry, dimension) for entry in written]
        return tuple(written)

    def _without_dead(
        self, entry: SegmentFile, deleted: Ids, dimension: int, revision: int, least: int
    ) -> list[SegmentFile]:
        """A small segment, rewritten if too much of it is deleted (large ones: see `background_build`)."""
        if entry.vectors >= least or entry.file in self.frozen:
            return [entry]
        segment = self.files.searchable(entry, dimension)
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
        """The lock for replacing the manifest, against other threads and other processes."""
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

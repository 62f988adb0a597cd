"""The index of an open store: published after each write, opened for readers, rebuilt when it is damaged."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from index.dense.faiss_segment import least_vectors
from index.dense.index_kinds import AUTO, EXACT, IndexRules, advice, describe, unserved
from index.dense.manifest import Manifest, SegmentFile
from index.errors import StoreError, StoreLocked
from index.os_errors import explained
from index.records import IndexInfo
from index.snapshots.background_build import Builder
from index.snapshots.publisher import Publisher, Snapshot, StaleIndex
from index.snapshots.verify import file_problems, suspected_vectors
from index.sql.catalog import Catalog
from index.store.folder import read_settings, write_settings
from index.store.write_lock import LOCK_SECONDS, StoreLock

_LOG = logging.getLogger(__name__)
# A chosen kind of index serves segments from here on, or from what its training takes.
_LEAST_CHOSEN = 1024


class StoreIndex:
    """Both indexes of one store. Safe to share between threads."""

    def __init__(self, path: Path, catalog: Catalog, lock: StoreLock) -> None:
        self.path = path
        self._catalog = catalog
        self._lock = lock
        self._loading = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._published = 0
        self._own: Path | None = None
        self._open_folder(path / "index")

    def _open_folder(self, folder: Path) -> None:
        self.publisher = Publisher(folder, self._catalog)
        self.builder = Builder(self.publisher, self._rules)

    # -- reading --------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """The newest published state; it stays as it is while others write."""
        current = self._snapshot
        if current is None or current.revision < self._published:
            self._loading.acquire()
        elif not self._loading.acquire(blocking=False):
            # Another thread opens the next state; this one shows all that was written through this object.
            return current
        try:
            return self._newest(self._snapshot)
        finally:
            self._loading.release()

    def _newest(self, current: Snapshot | None) -> Snapshot:
        if current is None or current.revision != self._catalog.revision():
            self._catch_up()
        stamp = self.publisher.stamp()
        if current is None or stamp != self._stamp:
            current, self._stamp = self._open_snapshot(), stamp
            self._snapshot = current
        return current

    def rebuild_after(self, reason: Exception) -> None:
        """Build both indexes again from SQL after a search has met damage in them."""
        with self._loading:
            self._rebuild(reason)
            self._snapshot = None

    def close(self) -> None:
        """Let go of the files, when an index that is being built in the background is done."""
        self.builder.finish()
        self._snapshot = None

    def problems(self, fingerprint: str) -> list[str]:
        """Differences between the files and SQL, checksums and every vector included, in sentences."""
        return [] if self._never_published() else file_problems(self.publisher, self._catalog, fingerprint)

    def suspected_vectors(self, fingerprint: str) -> list[int]:
        """Passages whose vector in SQL differs from the one in an undamaged file."""
        return suspected_vectors(self.publisher, self._catalog, fingerprint)

    # -- writing, under the store's lock --------------------------------------------------------------------

    def publish_leftovers(self) -> None:
        """Publish what a writer that died has committed."""
        manifest = self.publisher.manifest()
        fingerprint = self._catalog.settings.get("fingerprint")
        with suppress(StoreError):
            # A counter that cannot be read is among the problems.
            if manifest is None:
                behind = self._never_published()
            else:
                behind = manifest.fingerprint == fingerprint and manifest.revision < self._catalog.revision()
            if behind:
                self.publish()

    def _never_published(self) -> bool:
        """Whether a writer has died before it published anything; what it committed is published next."""
        return self.publisher.stamp() is None and not self._catalog.purge.marked()

    def publish_empty(self, fingerprint: str, dimension: int) -> None:
        """Put an index without vectors in force, before a first write records its encoder.

        So no reader meets a store of that encoder without an index and waits for its writer.
        """
        self.publisher.publish(fingerprint, dimension, IndexRules())

    def publish(self, *, from_scratch: bool = False) -> None:
        """Bring both indexes to SQL's revision, from nothing with `from_scratch`."""
        fingerprint = self._catalog.settings.get("fingerprint")
        if fingerprint is None:
            return
        published = self.publisher.publish(
            fingerprint, self._dimension(), self._rules(), from_scratch=from_scratch
        )
        self._published = max(self._published, published.revision)
        if self._lock.writable:
            self._catalog.purge.mark(published.revision, time.time())
            self._catalog.checkpoint()
            self.builder.start()

    def _dimension(self) -> int:
        return int(self._catalog.settings.get("dimension") or 0)

    def _rules(self) -> IndexRules:
        """How the kinds of vector indexes are chosen in this store."""
        setting = str(read_settings(self.path).get("index", AUTO))
        if setting in (AUTO, EXACT) or not self._dimension():
            return IndexRules(setting=setting)
        return IndexRules(setting=setting, least=_least_for(setting, self._dimension()))

    def record_kind(self, setting: str, dimension: Callable[[], int]) -> None:
        """Record how the kind of vector index is chosen; `dimension` is asked for in a store without vectors.

        Raises StoreError for a kind that cannot be used.
        """
        if setting not in (AUTO, EXACT):
            _least_for(setting, self._dimension() or dimension())
        try:
            write_settings(self.path, {**read_settings(self.path), "index": setting})
        except OSError as error:
            known = explained(error, str(self.path))
            if known is None:
                raise
            raise known from error

    def info(self) -> IndexInfo:
        """Kind, size and measured recall of the published index, with advice if it serves badly."""
        manifest = Manifest.read(self.publisher.folder)
        segments = manifest.segments if manifest else ()
        rules = self._rules()
        kinds = [entry.approximate.kind if entry.approximate else EXACT for entry in segments]
        return IndexInfo(
            kind=describe(kinds),
            vectors=sum(entry.vectors for entry in segments),
            measured_recall=manifest.recall if manifest else None,
            setting=rules.setting,
            advice=self._advice(segments, rules),
        )

    def _advice(self, segments: Sequence[SegmentFile], rules: IndexRules) -> str | None:
        for entry in segments:
            if entry.approximate is not None and entry.recall is not None:
                message = advice(entry.approximate.kind, entry.recall)
                if message is not None:
                    return message
        return unserved(rules, max((entry.vectors for entry in segments), default=0))

    def _open_snapshot(self) -> Snapshot:
        fingerprint = self._catalog.settings.get("fingerprint")
        if fingerprint is None:
            return self._empty_snapshot()
        try:
            return self.publisher.open(fingerprint)
        except StaleIndex as error:
            self._rebuild(error)
        return self.publisher.open(fingerprint)

    def _rebuild(self, reason: Exception) -> None:
        _LOG.warning("the index is rebuilt from the database: %s", reason)
        if not self._publish_if_free(from_scratch=True, wait_seconds=LOCK_SECONDS):
            raise StoreLocked(
                f"the index of {self.path} must be rebuilt and another process is writing to it",
                hint="try again when it has finished",
            ) from reason

    def _empty_snapshot(self) -> Snapshot:
        with tempfile.TemporaryDirectory() as folder:
            publisher = Publisher(Path(folder), self._catalog)
            publisher.publish("", 1, IndexRules(), from_scratch=True)
            return publisher.open("")

    def _catch_up(self) -> None:
        """Publish what a killed writer left behind; a living writer is left to do it itself."""
        manifest = self.publisher.manifest()
        if manifest is not None and manifest.revision == self._catalog.revision():
            return
        try:
            self._publish_if_free(from_scratch=False, wait_seconds=0)
        except StoreError as error:
            # What was published before can be searched all the same.
            _LOG.warning("the last changes cannot be searched yet: %s", error)

    def _publish_if_free(self, *, from_scratch: bool, wait_seconds: float) -> bool:
        """Publish from SQL unless another writer is at work; whether it was done."""
        if not self._lock.writable:
            self._publish_own(from_scratch=from_scratch)
            return True
        try:
            with self._lock.held(wait_seconds, "publishing what a process that has ended left behind"):
                self.publish(from_scratch=from_scratch)
        except StoreLocked:
            return False
        return True

    def _publish_own(self, *, from_scratch: bool) -> None:
        """Serve a store that cannot be written from indexes of our own, built elsewhere."""
        if self._own is None:
            self._own = Path(tempfile.mkdtemp(prefix="spanwise-index-"))
            weakref.finalize(self, shutil.rmtree, self._own, ignore_errors=True)
            self._open_folder(self._own)
        self.publish(from_scratch=from_scratch)


def _least_for(kind: str, dimension: int) -> int:
    """The least number of vectors for which a chosen kind serves; raises StoreError for an unusable kind."""
    return max(_LEAST_CHOSEN, least_vectors(kind, dimension))

"""Builds large segments in a thread beside ingestion, and decides when one is due.

Publishing leaves exact segments that can be searched at once. Segments that need an approximate index, should
be merged, or hold many deleted passages are built again here from immutable files, without the writer's lock,
and replace their sources when they are done (`Publisher.adopt`). Ingestion goes on meanwhile; if it has
replaced the sources, the work is dropped and planned again. A process killed in between loses only the work:
the next writer begins it again. One build at a time, in all processes.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from index.dense.faiss_segment import BuildStopped, DamagedSegment, faiss_threads
from index.dense.index_kinds import IndexRules
from index.dense.manifest import Manifest, SegmentFile
from index.dense.segment_writer import living_blocks, write_approximate, write_exact
from index.dense.vector_index import MOST_DEAD, merge_plan
from index.protocols import Ids
from index.snapshots.publisher import BUILDING, Publisher

_LOG = logging.getLogger(__name__)
_LOCK = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Neighbouring segments that one segment should replace; without `rewrite` the exact file stays."""

    sources: tuple[SegmentFile, ...]
    rewrite: bool


class Builder:
    """Builds the segments that are due in one index folder, in the background or at once."""

    def __init__(self, publisher: Publisher, rules: Callable[[], IndexRules]) -> None:
        self._publisher = publisher
        self._rules = rules
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Build in the background what is due; a build that is running goes on with it by itself."""
        if self._thread is not None and self._thread.is_alive():
            return
        if self._due(self._rules()) is not None:
            self._thread = threading.Thread(target=self._run_beside, name="index-building")
            self._thread.start()

    def finish(self, *, give_up: bool = False) -> None:
        """Wait for a build in the background; with `give_up` it stops at its next step."""
        if give_up:
            self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def run(self) -> None:
        """Build what is due, now, and after what another thread or process is building."""
        self.finish()
        self._run(-1)

    def _run_beside(self) -> None:
        # Half of the processor: passages are encoded meanwhile, and threads that wait for each other stall.
        with faiss_threads(max(1, (os.cpu_count() or 1) // 2)):
            self._run(0.0)

    def _run(self, wait_seconds: float) -> None:
        if not self._publisher.folder.is_dir():
            return  # nothing was ever published
        folder = self._publisher.folder / BUILDING
        folder.mkdir(exist_ok=True)
        try:
            with FileLock(folder / _LOCK, timeout=wait_seconds):
                while not self._stopped.is_set() and (work := self._due(self._rules())) is not None:
                    _empty(folder)
                    self._publisher.frozen = frozenset(source.file for source in work.sources)
                    self._build(work, folder)
                _empty(folder)
        except (Timeout, BuildStopped):
            return
        except (DamagedSegment, OSError, RuntimeError, MemoryError) as error:
            # The segments that are published still give every result.
            _LOG.warning("the approximate index could not be built (%s); its vectors are scanned", error)
        finally:
            self._publisher.frozen = frozenset()

    def _build(self, work: Work, folder: Path) -> None:
        manifest = Manifest.read(self._publisher.folder)
        if manifest is None:
            return
        made: SegmentFile | None = work.sources[0]
        exact = self._publisher.folder / work.sources[0].file
        if work.rewrite:
            segments = [self._publisher.files.exact(source, manifest.dimension) for source in work.sources]
            deleted = self._publisher.deletions.at(manifest.revision)
            made = write_exact(
                folder, living_blocks(segments, deleted), manifest.dimension, manifest.revision
            )
            exact = folder / made.file if made else exact
        if made is not None:
            made = self._with_approximate(made, exact, work, manifest.dimension)
        files = [path for path in folder.iterdir() if path.name != _LOCK]
        self._publisher.adopt(work.sources, made, files)

    def _with_approximate(self, made: SegmentFile, exact: Path, work: Work, dimension: int) -> SegmentFile:
        rules = self._rules()
        kind = rules.kind(made.vectors, dimension)
        if kind is None:
            return replace(made, approximate=None)
        trained = self._trained(work.sources, made.vectors, rules, dimension)
        if trained is not None:
            kind = trained[2]
        beside, recall = write_approximate(
            self._publisher.folder / BUILDING,
            exact,
            dimension,
            kind,
            trained=trained[:2] if trained else None,
            stop=self._stopped.is_set,
        )
        return replace(made, approximate=beside, recall=recall)

    def _trained(
        self, sources: Sequence[SegmentFile], vectors: int, rules: IndexRules, dimension: int
    ) -> tuple[Path, int, str] | None:
        """The index of the largest source, where its training still serves so many vectors."""
        beside = max(sources, key=lambda source: source.vectors).approximate
        if beside is None or beside.file in self._publisher.files.damaged:
            return None
        if not rules.fits(beside.kind, vectors, beside.trained, dimension):
            return None
        return self._publisher.folder / beside.file, beside.trained, beside.kind

    def _due(self, rules: IndexRules) -> Work | None:
        manifest = Manifest.read(self._publisher.folder)
        if manifest is None:
            return None
        deleted = self._publisher.deletions.at(manifest.revision)
        return due(
            manifest.segments,
            rules,
            manifest.dimension,
            damaged=self._publisher.files.damaged,
            dead=lambda entry: self._dead(entry, manifest.dimension, deleted),
        )

    def _dead(self, entry: SegmentFile, dimension: int, deleted: Ids) -> float:
        if not len(deleted):
            return 0.0
        return self._publisher.files.searchable(entry, dimension).dead_share(deleted)


def due(
    entries: Sequence[SegmentFile],
    rules: IndexRules,
    dimension: int,
    *,
    damaged: set[str],
    dead: Callable[[SegmentFile], float],
) -> Work | None:
    """What to build next of the segments in their order; `dead` gives the share of one that is deleted."""
    sizes = [entry.vectors for entry in entries]
    count = merge_plan(sizes)
    if count > 1 and sum(sizes[-count:]) >= rules.least:
        return Work(sources=tuple(entries[-count:]), rewrite=True)
    for entry in reversed(entries):
        if entry.vectors >= rules.least and dead(entry) > MOST_DEAD:
            return Work(sources=(entry,), rewrite=True)
        beside = entry.approximate
        if beside is None or beside.file in damaged:
            served = beside is None and rules.kind(entry.vectors, dimension) is None
        else:
            served = rules.fits(beside.kind, entry.vectors, beside.trained, dimension)
        if not served:
            return Work(sources=(entry,), rewrite=False)
    return None


def _empty(folder: Path) -> None:
    """Remove the files of a build that did not end."""
    for path in folder.iterdir():
        if path.name != _LOCK:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

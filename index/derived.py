"""The two indexes derived from SQL, and how a new state of them is published.

    publish: SQL revision R -> new vector segment, lexical commit -> one manifest, renamed last

Vector segments are immutable files with new names; the manifest names those that belong together, with sizes,
checksums and the revision they show. A process killed anywhere before the rename leaves the old manifest in
force, and the next `publish` does the work again from SQL. `open` looks at sizes and headers only; `problems`
also at checksums. What is missing or damaged is rebuilt from SQL, never fatal.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from index.catalog import Catalog, Ids
from index.lexical import DamagedLexicalIndex, LexicalIndex, LexicalView
from index.protocols import Vectors
from index.vectors import KIND, DamagedSegment, Segment, VectorIndex, merge_plan, write_segment

_LOG = logging.getLogger(__name__)
_FORMAT = 1
_MANIFEST = "manifest.json"
_RECALL_SAMPLE = 20


class StaleDerived(Exception):
    """The files on disk cannot show the state that is asked for; publishing again from SQL mends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFile:
    """One vector segment as the manifest knows it."""

    file: str
    vectors: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Which files make up the state of which revision."""

    revision: int
    fingerprint: str
    dimension: int
    segments: tuple[SegmentFile, ...]
    lexical: str
    measured_recall: float | None = None

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """The published manifest, None if there is none that can be read."""
        try:
            data = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
            if data.pop("format") != _FORMAT:
                return None
            segments = tuple(SegmentFile(**segment) for segment in data.pop("segments"))
            return cls(segments=segments, **data)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            _LOG.warning("the index manifest cannot be read (%s); it is made again", error)
            return None

    def write(self, folder: Path) -> None:
        """Put this manifest in force, atomically and past a loss of power."""
        temporary = folder / f"{_MANIFEST}.{uuid.uuid4().hex[:8]}"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"format": _FORMAT, **asdict(self)}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / _MANIFEST)
        _sync_folder(folder)


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

    def stamp(self) -> tuple[int, int, int] | None:
        """Changes whenever another state is published."""
        try:
            status = (self.folder / _MANIFEST).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def open(self, catalog: Catalog, fingerprint: str) -> Snapshot:
        """The published state; raises StaleDerived if the files cannot give it."""
        manifest = Manifest.read(self.folder)
        if manifest is None or manifest.fingerprint != fingerprint:
            raise StaleDerived("no index of this encoder is published")
        try:
            segments = [self._segment(entry, manifest.dimension) for entry in manifest.segments]
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

    def publish(self, catalog: Catalog, fingerprint: str, dimension: int, *, anew: bool = False) -> Manifest:
        """Bring both indexes to SQL's revision (from nothing with `anew`) and put the manifest in force."""
        self.folder.mkdir(parents=True, exist_ok=True)
        revision = catalog.revision()
        manifest = None if anew else Manifest.read(self.folder)
        if manifest is not None and (manifest.fingerprint != fingerprint or manifest.revision > revision):
            manifest = None
        if manifest is not None and manifest.revision == revision:
            return manifest
        since = manifest.revision if manifest else 0
        lexical = self._publish_lexical(catalog, manifest, since, revision)
        try:
            segments, recall = self._publish_vectors(catalog, manifest, revision, fingerprint, dimension)
        except (DamagedSegment, OSError) as error:
            if manifest is None:
                raise
            _LOG.warning("a vector segment is damaged (%s); the vector index is rebuilt", error)
            segments, recall = self._publish_vectors(catalog, None, revision, fingerprint, dimension)
        published = Manifest(
            revision=revision,
            fingerprint=fingerprint,
            dimension=dimension,
            segments=segments,
            lexical=lexical,
            measured_recall=recall,
        )
        published.write(self.folder)
        self._remove_unused(published)
        return published

    def problems(self, catalog: Catalog, fingerprint: str) -> list[str]:
        """Where the files disagree with their checksums, with SQL or with each other."""
        manifest = Manifest.read(self.folder)
        if manifest is None:
            return ["index: no manifest is published"]
        found = [
            f"index: {entry.file} does not match its checksum"
            for entry in manifest.segments
            if not (self.folder / entry.file).is_file() or _sha256(self.folder / entry.file) != entry.sha256
        ]
        try:
            snapshot = self.open(catalog, fingerprint)
        except StaleDerived as error:
            return [*found, f"index: {error}"]
        if snapshot.revision != catalog.revision():
            found.append(f"index: shows revision {snapshot.revision}, SQL is at {catalog.revision()}")
        living, _ = catalog.living_passages(snapshot.revision)
        found += _differences("lexical index", snapshot.lexical.ids(), living)
        embedded, vectors = catalog.vectors(0, snapshot.revision, fingerprint, manifest.dimension)
        found += _differences("vector index", snapshot.vectors.ids(), embedded)
        lengths = np.linalg.norm(vectors, axis=1)
        found += [
            f"vector of passage {passage_id} has length {length:.3f}"
            for passage_id, length in zip(embedded, lengths, strict=True)
            if not abs(length - 1) < 0.01
        ]
        return found

    def _segment(self, entry: SegmentFile, dimension: int) -> Segment:
        path = self.folder / entry.file
        if path.stat().st_size != entry.bytes:
            raise DamagedSegment(f"{entry.file}: {path.stat().st_size} bytes instead of {entry.bytes}")
        return Segment(path, dimension)

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
        self, catalog: Catalog, manifest: Manifest | None, revision: int, fingerprint: str, dimension: int
    ) -> tuple[tuple[SegmentFile, ...], float | None]:
        kept = list(manifest.segments) if manifest else []
        for entry in kept:
            self._segment(entry, dimension)
        since = manifest.revision if manifest else 0
        ids, vectors = catalog.vectors(since, revision, fingerprint, dimension)
        recall = manifest.measured_recall if manifest else None
        if not len(ids):
            return tuple(kept), recall
        merged = merge_plan([*(entry.vectors for entry in kept), len(ids)]) - 1
        deleted = catalog.deleted_passages(0, revision)
        while merged:
            segment = self._segment(kept.pop(), dimension)
            alive = ~np.isin(segment.ids, deleted)
            ids = np.concatenate([segment.ids[alive], ids])
            vectors = np.concatenate([segment.vectors()[alive], vectors])
            merged -= 1
        entry = self._write_segment(ids, vectors, revision)
        recall = _measure_recall(Segment(self.folder / entry.file, dimension), ids, vectors)
        return (*kept, entry), recall

    def _write_segment(self, ids: Ids, vectors: Vectors, revision: int) -> SegmentFile:
        path = self.folder / f"vectors-{revision:08d}-{uuid.uuid4().hex[:8]}.faiss"
        write_segment(path, ids, vectors)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return SegmentFile(file=path.name, vectors=len(ids), bytes=path.stat().st_size, sha256=_sha256(path))

    def _remove_unused(self, manifest: Manifest) -> None:
        """Remove files of earlier states; readers that hold them keep them open until they refresh."""
        used = {_MANIFEST, manifest.lexical, *(entry.file for entry in manifest.segments)}
        for path in self.folder.iterdir():
            if path.name not in used:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def describe(manifest: Manifest | None) -> str:
    """The kind of the vector index in words."""
    count = len(manifest.segments) if manifest else 0
    return f"exact ({KIND}), {count} segment{'' if count == 1 else 's'}"


def _measure_recall(segment: Segment, ids: Ids, vectors: Vectors) -> float:
    """recall@10 of a written segment against numpy over the same vectors, on a spread of its own vectors."""
    queries = np.linspace(0, len(ids) - 1, min(_RECALL_SAMPLE, len(ids))).astype(int)
    k = min(10, len(ids))
    found = 0
    for query in queries:
        scores = vectors @ vectors[query]
        expected = set(ids[np.argpartition(-scores, k - 1)[:k]].tolist())
        worst = np.partition(scores, -k)[-k]
        for passage_id in segment.search(vectors[query], k, None).ids.tolist():
            # Equal vectors may stand in either order: what is as near as the k-th is right.
            row = int(np.searchsorted(ids, passage_id))
            found += passage_id in expected or bool(scores[row] >= worst - 1e-5)
    return found / (k * len(queries))


def _differences(name: str, found: Ids, expected: Ids) -> list[str]:
    missing, extra = np.setdiff1d(expected, found), np.setdiff1d(found, expected)
    problems = []
    if len(missing):
        problems.append(f"{name}: {len(missing)} passages are missing, the first is {missing[0]}")
    if len(extra):
        problems.append(f"{name}: {len(extra)} passages are not in SQL, the first is {extra[0]}")
    return problems


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

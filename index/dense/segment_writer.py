"""Writing segments: streams of vectors to an exact file, and an approximate index beside a large one.

Files get new names and are brought to the disk before a manifest may name them; nothing is published here.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from index.dense.faiss_segment import Approximate, Ids, Segment, build_approximate, members, write_blocks
from index.dense.index_kinds import Effort
from index.dense.manifest import ApproximateFile, SegmentFile
from index.dense.recall import exact_recall, raise_effort
from index.protocols import Vectors

Blocks = Iterable[tuple[Ids, Vectors]]
_EDGE_BYTES = 262_144


def living_blocks(segments: Iterable[Segment], deleted: Ids) -> Iterator[tuple[Ids, Vectors]]:
    """Ids and vectors of all segments in order, less what is deleted."""
    for segment in segments:
        for ids, vectors in segment.blocks():
            alive = ~members(ids, deleted)
            yield ids[alive], vectors[alive]


def write_exact(folder: Path, blocks: Blocks, dimension: int, revision: int) -> SegmentFile | None:
    """Write ids and vectors as one exact segment into a folder; None if there are none."""
    path = folder / f"vectors-{revision:08d}-{uuid.uuid4().hex[:8]}.faiss"
    vectors = write_blocks(path, dimension, blocks)
    if not vectors:
        path.unlink()
        return None
    size, checksum = _sealed(path)
    recall = exact_recall(Segment(path, dimension))
    return SegmentFile(
        file=path.name, vectors=vectors, bytes=size, sha256=checksum, recall=recall, edges=edges_of(path)
    )


def write_approximate(
    folder: Path,
    exact: Path,
    dimension: int,
    kind: str,
    *,
    trained: tuple[Path, int] | None,
    stop: Callable[[], bool],
) -> tuple[ApproximateFile, float]:
    """Write an approximate index over an exact file, and find the search effort it needs; its recall@10.

    `trained` is an index of this kind whose training is kept, and how many vectors that was done for.
    Raises BuildStopped soon after `stop()` is true.
    """
    segment = Segment(exact, dimension)
    path = folder / f"{exact.stem}-{uuid.uuid4().hex[:8]}.approximate"
    build_approximate(segment, kind, path, trained=trained[0] if trained else None, stop=stop)
    size, checksum = _sealed(path)
    effort, recall = raise_effort(
        Segment(exact, dimension, Approximate(path, Effort(probes=1, candidates=1)))
    )
    written = ApproximateFile(
        file=path.name,
        bytes=size,
        sha256=checksum,
        kind=kind,
        trained=trained[1] if trained else len(segment),
        effort=effort,
    )
    return written, recall


def checksum_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def edges_of(path: Path) -> str:
    """The SHA-256 of the first and the last part of a file: another file of the same size has another."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        found.update(file.read(_EDGE_BYTES))
        if path.stat().st_size > 2 * _EDGE_BYTES:
            file.seek(-_EDGE_BYTES, os.SEEK_END)
        found.update(file.read(_EDGE_BYTES))
    return found.hexdigest()


def _sealed(path: Path) -> tuple[int, str]:
    """Bring a written file to the disk itself; its size and checksum."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path.stat().st_size, checksum_of(path)

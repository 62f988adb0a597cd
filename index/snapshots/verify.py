"""Whether the index files are whole and agree with SQL: every checksum, every id, every vector.

Reads all files, and of SQL all but the texts; changes nothing. Faults inside SQL are problems by
`index.sql.audit`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from index.dense.faiss_segment import DamagedSegment, Segment, members
from index.dense.manifest import Manifest
from index.dense.segment_writer import checksum_of
from index.lexical import tantivy_files
from index.lexical.tantivy_index import DamagedLexicalIndex, EarlierLexicalIndex
from index.protocols import Ids
from index.snapshots.publisher import Publisher, Snapshot, StaleIndex
from index.sql.catalog import Catalog

_WIDEST_ERROR = 1e-3  # two float16 forms of one vector


def file_problems(publisher: Publisher, catalog: Catalog, fingerprint: str) -> list[str]:
    """Faults of the published files, in sentences."""
    manifest = Manifest.read(publisher.folder)
    if manifest is None:
        return ["index: no manifest is published, or it cannot be read"]
    if publisher.manifest() is None:
        return ["index: it belongs to another store"]
    problems = [*_changed(publisher, manifest)]
    problems += [
        f"lexical index: {damage}" for damage in tantivy_files.damages(publisher.folder / manifest.lexical)
    ]
    try:
        snapshot = publisher.open(fingerprint)
        if snapshot.revision > catalog.revision():  # SQL may be ahead; the next reader publishes that
            problems.append(f"index: shows revision {snapshot.revision}, SQL is at {catalog.revision()}")
        problems += _against_sql(snapshot, manifest, catalog, fingerprint)
    except (StaleIndex, DamagedSegment, DamagedLexicalIndex) as error:
        if not isinstance(error.__cause__, EarlierLexicalIndex):  # the next question mends that
            problems.append(f"index: {error}")
    return problems


def _changed(publisher: Publisher, manifest: Manifest) -> Iterator[str]:
    for entry in manifest.segments:
        for name, size, checksum in entry.files():
            path = publisher.folder / name
            try:
                if path.stat().st_size != size or checksum_of(path) != checksum:
                    yield f"index: {name} does not match its checksum"
            except OSError as error:
                yield f"index: {name} does not match its checksum: {error.strerror}"


def _against_sql(snapshot: Snapshot, manifest: Manifest, catalog: Catalog, fingerprint: str) -> Iterator[str]:
    living, _ = catalog.passages.visible(snapshot.revision)
    # Passages deleted by the newest revisions may be in the lexical index until the next one is published.
    lately = catalog.passages.deleted(manifest.lexical_pruned, snapshot.revision)
    lexical = snapshot.lexical.ids()
    yield from _differences("lexical index", lexical[~members(lexical, lately)], living)
    embedded = catalog.vectors.ids(0, snapshot.revision, fingerprint)
    yield from _differences("vector index", snapshot.vectors.ids(), embedded)
    for segment in snapshot.vectors.segments:
        wrong = unequal_vectors(segment, catalog, fingerprint, manifest.dimension)
        if len(wrong):
            yield (
                f"vector index: {len(wrong)} vectors in {segment.path.name} are not those in SQL, "
                f"the first is of passage {wrong[0]}"
            )


def suspected_vectors(publisher: Publisher, catalog: Catalog, fingerprint: str) -> list[int]:
    """Passages whose vector in SQL differs from the one in a file with the right checksum."""
    manifest = publisher.manifest()
    if manifest is None or manifest.fingerprint != fingerprint:
        return []
    suspects: list[int] = []
    for entry in manifest.segments:
        try:
            if checksum_of(publisher.folder / entry.file) == entry.sha256:
                segment = publisher.files.exact(entry, manifest.dimension)
                suspects += unequal_vectors(segment, catalog, fingerprint, manifest.dimension).tolist()
        except (DamagedSegment, OSError):
            continue
    return suspects


def unequal_vectors(segment: Segment, catalog: Catalog, fingerprint: str, dimension: int) -> Ids:
    """Ids of the passages of a segment whose vector in SQL is another one."""
    wrong = [np.empty(0, np.int64)]
    for ids, vectors in segment.blocks():
        for stored, expected in catalog.vectors.blocks(ids, fingerprint, dimension, len(ids)):
            far = np.abs(vectors[members(ids, stored)] - expected).max(axis=1, initial=0.0)
            wrong.append(stored[~(far < _WIDEST_ERROR)])
    return np.concatenate(wrong)


def _differences(name: str, found: Ids, expected: Ids) -> Iterator[str]:
    missing, extra = np.setdiff1d(expected, found), np.setdiff1d(found, expected)
    if len(missing):
        yield f"{name}: {len(missing)} passages are missing, the first is {missing[0]}"
    if len(extra):
        yield f"{name}: {len(extra)} passages are not in SQL, the first is {extra[0]}"
    if len(np.unique(found)) != len(found):
        yield f"{name}: some passages are in it twice"

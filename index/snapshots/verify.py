"""Whether the derived files are whole and show what SQL holds: every checksum, every id, every vector.

Reads all files, and of SQL all but the texts; changes nothing. What is wrong inside SQL is the matter of
`audit`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from index.dense.faiss_segment import DamagedSegment, Segment, members
from index.dense.manifest import Manifest
from index.dense.segment_writer import checksum_of
from index.lexical import tantivy_files
from index.lexical.tantivy_index import DamagedLexicalIndex
from index.protocols import Ids
from index.snapshots.publisher import Derived, Snapshot, StaleDerived
from index.sql.catalog import Catalog

_WIDEST_ERROR = 1e-3  # two float16 forms of one vector


def file_problems(derived: Derived, catalog: Catalog, fingerprint: str) -> list[str]:
    """What is wrong with the published files, in sentences; empty if nothing is."""
    manifest = Manifest.read(derived.folder)
    if manifest is None:
        return ["index: no manifest is published, or it cannot be read"]
    if derived.manifest(catalog) is None:
        return ["index: it belongs to another store"]
    found = [*_changed(derived, manifest)]
    found += [
        f"lexical index: {damage}" for damage in tantivy_files.damages(derived.folder / manifest.lexical)
    ]
    try:
        snapshot = derived.open(catalog, fingerprint)
        if snapshot.revision != catalog.revision():
            found.append(f"index: shows revision {snapshot.revision}, SQL is at {catalog.revision()}")
        found += _against_sql(snapshot, manifest, catalog, fingerprint)
    except (StaleDerived, DamagedSegment, DamagedLexicalIndex) as error:
        found.append(f"index: {error}")
    return found


def _changed(derived: Derived, manifest: Manifest) -> Iterator[str]:
    for entry in manifest.segments:
        for name, size, checksum in entry.files():
            path = derived.folder / name
            try:
                if path.stat().st_size != size or checksum_of(path) != checksum:
                    yield f"index: {name} does not match its checksum"
            except OSError as error:
                yield f"index: {name} does not match its checksum: {error.strerror}"


def _against_sql(snapshot: Snapshot, manifest: Manifest, catalog: Catalog, fingerprint: str) -> Iterator[str]:
    living, _ = catalog.passages.visible(snapshot.revision)
    # What went with the newest revisions may be in the lexical index until the next one is published.
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


def suspected_vectors(derived: Derived, catalog: Catalog, fingerprint: str) -> list[int]:
    """Passages whose vector in SQL is not the one that stands in a file which is as it was written."""
    manifest = derived.manifest(catalog)
    if manifest is None or manifest.fingerprint != fingerprint:
        return []
    found: list[int] = []
    for entry in manifest.segments:
        try:
            if checksum_of(derived.folder / entry.file) == entry.sha256:
                segment = derived.exact(entry, manifest.dimension)
                found += unequal_vectors(segment, catalog, fingerprint, manifest.dimension).tolist()
        except (DamagedSegment, OSError):
            continue
    return found


def unequal_vectors(segment: Segment, catalog: Catalog, fingerprint: str, dimension: int) -> Ids:
    """Ids of those vectors of a segment that SQL holds too, and otherwise."""
    wrong = [np.empty(0, np.int64)]
    for ids, vectors in segment.blocks():
        for held, expected in catalog.vectors.blocks(ids, fingerprint, dimension, len(ids)):
            far = np.abs(vectors[members(ids, held)] - expected).max(axis=1, initial=0.0)
            wrong.append(held[~(far < _WIDEST_ERROR)])
    return np.concatenate(wrong)


def _differences(name: str, found: Ids, expected: Ids) -> Iterator[str]:
    missing, extra = np.setdiff1d(expected, found), np.setdiff1d(found, expected)
    if len(missing):
        yield f"{name}: {len(missing)} passages are missing, the first is {missing[0]}"
    if len(extra):
        yield f"{name}: {len(extra)} passages are not in SQL, the first is {extra[0]}"
    if len(np.unique(found)) != len(found):
        yield f"{name}: some passages are in it twice"

"""Whether the derived files are whole and show what SQL holds: every checksum, every id, every vector.

Reads all files, and of SQL all but the texts; changes nothing. What is wrong inside SQL is the matter of
`audit`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from index import lexical_files
from index.catalog import Catalog, Ids
from index.derived import Derived, Snapshot, StaleDerived
from index.lexical import DamagedLexicalIndex
from index.manifest import Manifest
from index.vectors import BLOCK, DamagedSegment, members
from index.writing import checksum_of

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
        f"lexical index: {damage}" for damage in lexical_files.damages(derived.folder / manifest.lexical)
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
    living, _ = catalog.living_passages(snapshot.revision)
    # What went with the newest revisions may be in the lexical index until the next one is published.
    lately = catalog.deleted_passages(manifest.lexical_pruned, snapshot.revision)
    lexical = snapshot.lexical.ids()
    yield from _differences("lexical index", lexical[~members(lexical, lately)], living)
    embedded = catalog.vector_ids(0, snapshot.revision, fingerprint)
    yield from _differences("vector index", snapshot.vectors.ids(), embedded)
    deleted = catalog.deleted_passages(0, snapshot.revision)
    for segment in snapshot.vectors.segments:
        for ids, vectors in segment.blocks():
            alive = members(ids, embedded) & ~members(ids, deleted)
            if alive.any():
                yield from _unequal(ids[alive], vectors[alive], catalog, fingerprint, manifest.dimension)


def _unequal(
    ids: Ids,
    vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]],
    catalog: Catalog,
    fingerprint: str,
    dimension: int,
) -> Iterator[str]:
    for part, expected in catalog.vector_blocks(ids, fingerprint, dimension, BLOCK):
        found = vectors[members(ids, part)]
        wrong = part[~(np.abs(found - expected).max(axis=1) < _WIDEST_ERROR)]
        if len(wrong):
            yield (
                f"vector index: {len(wrong)} vectors are not those in SQL, the first is of passage {wrong[0]}"
            )


def _differences(name: str, found: Ids, expected: Ids) -> Iterator[str]:
    missing, extra = np.setdiff1d(expected, found), np.setdiff1d(found, expected)
    if len(missing):
        yield f"{name}: {len(missing)} passages are missing, the first is {missing[0]}"
    if len(extra):
        yield f"{name}: {len(extra)} passages are not in SQL, the first is {extra[0]}"
    if len(np.unique(found)) != len(found):
        yield f"{name}: some passages are in it twice"

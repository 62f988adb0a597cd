"""`check` lists what is wrong with a store; `repair` mends the rows and reads faulty documents again.

A faulty document is read from its file, if that still holds the same bytes, else split again from the text in
the store; text that was recognised on pictures stands in no file and is always taken from the store. Only
where neither can be read is something lost, and the report names it. Each document is replaced in one
transaction, so that a repair which is killed can simply be run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from index.errors import ModelError, ModelMismatch, StoreError
from index.ingestion.embed_passages import UNKNOWN_LIMIT, embed, embed_documents
from index.protocols import Encoder
from index.records import FileState
from index.sql.audit import Fault, Finding
from index.sql.catalog import Catalog, NewDocument
from index.sql.vectors import Encoding
from index.store.store_index import StoreIndex
from ingest.chunking.split import ChunkSettings, split
from ingest.conversion.formats import RECOGNISED
from ingest.conversion.parser_pool import Parser, sha256_of
from ingest.records import Document

_BATCH_PASSAGES = 256


class Repair:
    """One repair of the SQL side; used once, under the store's lock."""

    def __init__(self, catalog: Catalog, encoder: Callable[[], Encoder]) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self.done: list[str] = []
        self.lost: list[str] = []

    def run(self, findings: Sequence[Finding], suspects: Sequence[int]) -> None:
        """Repair all findings, and compute the vectors of the passages `suspects` again."""
        if any(finding.fault in (Fault.ENCODING, Fault.VECTOR) for finding in findings):
            self._record_encoder()
            findings = self._catalog.audit.findings()
        rows = self._catalog.audit.repair(findings)
        self.done += rows.done
        faults: dict[int, set[Fault]] = {}
        for finding in findings:
            for key in finding.keys if finding.fault.of_document else ():
                faults.setdefault(key, set()).add(finding.fault)
        with Parser() as parser:
            for key in sorted(faults):
                self._read_again(key, parser, details_lost=Fault.DETAILS in faults[key])
            for path in rows.paths:
                self._restore(path, parser)
        vectors = [key for finding in findings if finding.fault is Fault.VECTOR for key in finding.keys]
        self._compute_vectors([*vectors, *suspects])

    def _record_encoder(self) -> None:
        encoding = Encoding.of(self._encoder())
        if any(self._catalog.settings.get(name) != str(fact) for name, fact in asdict(encoding).items()):
            self._catalog.vectors.record_encoder(encoding)
            self.done.append(f"the encoder {encoding.encoder} was recorded again")

    def _read_again(self, key: int, parser: Parser, *, details_lost: bool) -> None:
        """Replace a faulty document by what its file, or else its stored text, holds."""
        paths, content = self._catalog.audit.paths_of(key)
        stored = self._catalog.stored_documents.salvage(key) if paths else None
        document = None
        if stored is None or not stored.parser.endswith(RECOGNISED):
            read = (self._from_file(path, content, parser) for path in paths)
            document = next((candidate for candidate in read if candidate is not None), None)
        if document is None and stored is not None:
            document = stored
            if details_lost:
                self.lost.append(f"the details (metadata) of {paths[0]}")
        if document is None:
            self._catalog.discard(key, paths)
            self.lost += [f"the text of {path}; ingest it again" for path in paths]
            if not paths:
                self.done.append("a document without a path was removed")
            return
        new, state = self._prepared(replace(document, path=paths[0]))
        self._catalog.replace(key, new, paths, state, self._encoder().fingerprint)
        self.done += [f"{path} was read again" for path in paths]

    def _restore(self, path: str, parser: Parser) -> None:
        """Read the file of a path whose document row is lost."""
        document = self._from_file(path, None, parser)
        if document is None:
            self.lost.append(f"the text of {path}; ingest it again")
            return
        new, state = self._prepared(document)
        self._catalog.write(new, path, state, self._encoder().fingerprint)
        self.done.append(f"{path} was read again")

    def _from_file(self, path: str, content: str | None, parser: Parser) -> Document | None:
        """The document in a file; None if it does not hold the recorded bytes, or cannot be read."""
        try:
            if not path.startswith("/") or (content is not None and sha256_of(path) != content):
                return None
            parsed = parser.parse(path)
        except OSError:
            return None
        return parsed if isinstance(parsed, Document) else None

    def _prepared(self, document: Document) -> tuple[NewDocument, FileState]:
        encoder = self._encoder()
        settings = ChunkSettings.for_window(encoder.passage_room, special_tokens=0)
        passages = split(document, encoder.tokenizer, settings)
        [vectors] = embed_documents(encoder, [(document.title, passages)])
        # `checked_ns` is 0, so that the next ingest looks into the file.
        state = FileState(
            size_bytes=document.size_bytes,
            modified_ns=document.modified_ns or time.time_ns(),
            checked_ns=0,
        )
        return NewDocument(document=document, passages=passages, vectors=vectors), state

    def _compute_vectors(self, wrong: Sequence[int]) -> None:
        """Compute the vectors that are missing or wrong."""
        vectors, fingerprint = self._catalog.vectors, self._catalog.settings.get("fingerprint")
        if fingerprint is None:
            return
        if wrong:
            vectors.remove(sorted(set(wrong)), fingerprint)
            self.done.append(f"{len(set(wrong))} wrong vectors were removed")
        made = last = 0
        while batch := vectors.missing(fingerprint, last, _BATCH_PASSAGES):
            last = max(batch)
            rows = dict(zip(batch, embed(self._encoder(), list(batch.values())), strict=True))
            computed = {number: row for number, row in rows.items() if row is not None}
            vectors.add(fingerprint, computed)
            made += len(computed)
        if made:
            self.done.append(f"{made} missing vectors were computed")


def find_problems(catalog: Catalog, index: StoreIndex, encoder: Callable[[], Encoder]) -> list[str]:
    """Everything that is wrong in SQL, in the index files, and between them, in sentences."""
    problems = [finding.message for finding in catalog.audit.findings()]
    fingerprint = catalog.settings.get("fingerprint")
    if fingerprint is None:
        return problems
    try:
        missing = _missing_vectors(catalog, fingerprint, encoder)
        if missing:
            problems.append(f"{len(missing)} passages have no vector; passage {missing[0]} is the first")
    except (ModelError, ModelMismatch) as error:
        problems.append(f"passages without a vector, which cannot be judged without their encoder: {error}")
    try:
        problems += index.problems(fingerprint)
    except StoreError as error:
        problems.append(f"index: it could not be compared with SQL: {error}")
    return problems


def _missing_vectors(catalog: Catalog, fingerprint: str, encoder: Callable[[], Encoder]) -> list[int]:
    """Ids of the passages that have no vector although the encoder can read them."""
    missing: list[int] = []
    last = 0
    while batch := catalog.vectors.missing(fingerprint, last, _BATCH_PASSAGES):
        last = max(batch)
        reader = encoder()
        missing += [
            number
            for number, (_, passage) in batch.items()
            if reader.unknown_share(passage.text) <= UNKNOWN_LIMIT
        ]
    return missing

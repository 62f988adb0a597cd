"""`repair`: rows put in order, damaged documents read anew, missing vectors made.

A document that cannot be trusted is read from its file, if that still holds the same bytes, else cut up anew
from the text in the store. Only where neither is there is something lost, and then it is said by name. Each
document is replaced in one transaction, so that a repair which is killed can simply be run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from index.ingestion.embed_passages import UNKNOWN_LIMIT, embed, embed_documents
from index.protocols import Encoder
from index.records import FileState
from index.sql.audit import Fault, Finding
from index.sql.catalog import Catalog, NewDocument
from index.sql.repair_rows import ANEW
from ingest.chunking.split import ChunkSettings, split
from ingest.conversion.parser_pool import Parser, sha256_of
from ingest.records import Document

_BATCH_PASSAGES = 256


class Repairing:
    """One repair of the SQL side; used once, under the store's lock."""

    def __init__(self, catalog: Catalog, encoder: Callable[[], Encoder]) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self.done: list[str] = []
        self.lost: list[str] = []

    def run(self, findings: Sequence[Finding], suspects: Sequence[int]) -> None:
        """Mend all that these findings name; the vectors of `suspects` are made again."""
        if any(finding.fault in (Fault.ENCODING, Fault.VECTOR) for finding in findings):
            self._record_encoder()
            findings = self._catalog.audit.findings()
        orphans = self._catalog.row_repair.paths_of_orphans(findings)
        for said in self._catalog.row_repair.repair(findings):
            (self.lost if said.startswith("lost: ") else self.done).append(said.removeprefix("lost: "))
        keys = {key for finding in findings if finding.fault in ANEW for key in finding.keys}
        with Parser() as parser:
            for key in sorted(keys):
                self._anew(key, parser)
            for path in orphans:
                self._put(path, self._from_file(path, None, parser))
        fingerprint = self._catalog.settings.get("fingerprint")
        if suspects and fingerprint is not None:
            self._catalog.vectors.remove(suspects, fingerprint)
            self.done.append(f"{len(suspects)} vectors that were not those published were removed")
        self._embed_missing()

    def _record_encoder(self) -> None:
        encoder = self._encoder()
        facts = {
            "encoder": encoder.name,
            "dimension": str(encoder.dimension),
            "fingerprint": encoder.fingerprint,
        }
        wrong = {name: fact for name, fact in facts.items() if self._catalog.settings.get(name) != fact}
        for name, fact in wrong.items():
            self._catalog.settings.set(name, fact)
        if wrong:
            self.done.append(f"the encoder {encoder.name} was recorded anew")

    def _anew(self, key: int, parser: Parser) -> None:
        paths, content = self._catalog.row_repair.living_paths(key)
        read = (self._from_file(path, content, parser) for path in paths)
        document = next((found for found in read if found is not None), None)
        document = document or self._catalog.stored_documents.salvage(key)
        for path in paths:
            self._put(path, document)

    def _from_file(self, path: str, content: str | None, parser: Parser) -> Document | None:
        """The document in a file, None unless it holds the bytes it held (any, where none are known)."""
        try:
            if not path.startswith("/") or (content is not None and sha256_of(path) != content):
                return None
            found = parser.parse(path)
        except OSError:
            return None
        return found if isinstance(found, Document) else None

    def _put(self, path: str, document: Document | None) -> None:
        if document is None:
            self._catalog.remove([path])
            self.lost.append(f"the text of {path}; ingest it again")
            return
        document = replace(document, path=path)
        encoder = self._encoder()
        settings = ChunkSettings.for_window(encoder.passage_room, special_tokens=0)
        passages = split(document, encoder.tokenizer, settings)
        [vectors] = embed_documents(encoder, [(document.title, passages)])
        new = NewDocument(document=document, passages=passages, vectors=vectors)
        # No file is taken to be unchanged on the word of a repair.
        state = FileState.now(document.size_bytes, document.modified_ns or time.time_ns())
        self._catalog.write(new, path, replace(state, checked_ns=0), encoder.fingerprint)
        self.done.append(f"{path} was read anew")

    def _embed_missing(self) -> None:
        fingerprint = self._catalog.settings.get("fingerprint")
        made = last = 0
        while fingerprint and (batch := self._catalog.vectors.missing(fingerprint, last, _BATCH_PASSAGES)):
            last = max(batch)
            rows = dict(zip(batch, embed(self._encoder(), list(batch.values())), strict=True))
            vectors = {number: row for number, row in rows.items() if row is not None}
            self._catalog.vectors.add(fingerprint, vectors)
            made += len(vectors)
        if made:
            self.done.append(f"{made} missing vectors were made")


def missing_vectors(catalog: Catalog, fingerprint: str, encoder: Callable[[], Encoder]) -> list[int]:
    """Ids of the passages that have no vector although the encoder can read them."""
    found: list[int] = []
    last = 0
    while batch := catalog.vectors.missing(fingerprint, last, _BATCH_PASSAGES):
        last = max(batch)
        reader = encoder()
        found += [
            number
            for number, (_, passage) in batch.items()
            if reader.unknown_share(passage.text) <= UNKNOWN_LIMIT
        ]
    return found

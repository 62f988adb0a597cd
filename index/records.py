"""The values that travel between the store, the retriever and those who ask."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import overload

from ingest.records import Passage, Rejected


class Mode(StrEnum):
    """Which index answers a search."""

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """A stored document without its text; `path` is one of its paths, absolute and POSIX.

    `sha256` is that of the file's bytes.
    """

    id: str
    path: str
    title: str
    language: str
    type: str
    characters: int
    passages: int
    modified: datetime
    paths: tuple[str, ...]
    sha256: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSize:
    """The kind of a stored document, and how long it is."""

    type: str
    characters: int
    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPassage(Passage):
    """A passage with its stable id (below 2^53, never reused)."""

    id: int
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalEntry:
    """A passage as the lexical index takes it in; `text` includes title and headings."""

    id: int
    document_key: int
    text: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One retrieved passage.

    `score` is higher for better and comparable within one query only; `dense_score` is the cosine and
    `lexical_score` the BM25 weight, None where the passage was not among that list's candidates.
    """

    rank: int
    score: float
    dense_score: float | None
    lexical_score: float | None
    passage: StoredPassage
    document: DocumentInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult(Sequence[Hit]):
    """The hits of one query, best first, and what it cost (milliseconds, by stage).

    `unsupported_language` says that the encoder does not know the query's script, so that only the lexical
    index was asked. `revision` is that of the store that was searched.
    """

    query: str
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    unsupported_language: bool = False
    revision: int = 0

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """Size and time of a file, and when they were looked at."""

    size_bytes: int
    modified_ns: int
    checked_ns: int

    @classmethod
    def now(cls, size_bytes: int, modified_ns: int) -> FileState:
        """The state as seen at this moment."""
        return cls(size_bytes=size_bytes, modified_ns=modified_ns, checked_ns=time.time_ns())


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A word put on a file, or on the words `quote` in it; `start` says where, if they recur."""

    name: str
    content_sha256: str
    quote: str | None = None
    start: int | None = None
    author: str = ""
    created_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """How many files bear a label as a whole, in how many places it stands, and in how many files at all."""

    name: str
    files: int
    places: int
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A verdict on the answer `quote` to a question, or on "no answer in here" (no `content_sha256`)."""

    question: str
    verdict: str
    content_sha256: str | None = None
    quote: str | None = None
    start: int | None = None
    author: str = ""
    comment: str = ""
    created_ns: int = 0
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProblem:
    """A line of an export that could not be taken in, counted from 1, and why."""

    line: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What one import did; `added` to `unchanged` count paths, `encoded` passages that needed a vector."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    passages: int = 0
    encoded: int = 0
    remarks: int = 0
    problems: tuple[ImportProblem, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every line was taken in."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What one export wrote."""

    documents: int
    passages: int
    vectors: int
    revision: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """Where a copy of a store is, and its size."""

    folder: str
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReembedReport:
    """What a change of encoder did; `kept` vectors were there already, `unreadable` passages have none."""

    encoder: str
    encoded: int
    kept: int
    unreadable: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which documents may answer: OR within one field, AND across fields; empty means no restriction.

    `paths` are gitwildmatch patterns over absolute POSIX paths (a plain folder or file name works too),
    `documents` are document ids, `types` are file types such as `pdf`, `since` and `until` bound the
    file's modification time, `labels` are words put on a file, or on words in it: these let through the
    passages that hold the words.
    """

    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    labels: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether every document passes."""
        dates = self.since or self.until
        return not (self.languages or self.paths or self.documents or self.types or dates or self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What was read of one file; `rejected` says why nothing was, all counts are 0 then.

    `pages` is 0 for formats without pages; `warnings` are the converter's.
    """

    path: str
    size_bytes: int
    type: str = ""
    language: str = ""
    characters: int = 0
    passages: int = 0
    pages: int = 0
    pages_with_text: int = 0
    warnings: tuple[str, ...] = ()
    rejected: Rejected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What one ingest did. `added` to `removed` count paths; `passages` counts those newly written.

    `skipped` counts files and folders that were passed over without a look inside, by reason: `hidden`,
    `ignored` (by a `.spanwiseignore`), `excluded` (by the patterns of the run), `special` (no regular file),
    `loop` (a folder reached before). `models` is the preset that the store was given in this run, by the
    languages of its first documents; None where it had one.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    models: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestProgress:
    """How far an ingest is: files done of files found so far; the file just finished and its passages.

    `rejected` says why that file was left out, None if it was not. While one file takes long, `path` is empty
    and `passages` 0; then `current` is that file, `encoded` of its `to_encode` passages are done, and
    `to_encode` is 0 as long as it is being read.
    """

    done: int
    total: int
    path: str
    passages: int
    rejected: Rejected | None = None
    current: str = ""
    encoded: int = 0
    to_encode: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInfo:
    """The vector index: its kind, its number of vectors and its recall@10 measured against brute force.

    `setting` is the kind asked for, `auto` or a FAISS factory string; `advice` says what to do where the
    recall is too low or the kind cannot serve yet.
    """

    kind: str
    vectors: int
    measured_recall: float | None
    setting: str = "auto"
    advice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a store holds. `languages` counts documents by language, `bytes` is the size on disk.

    `rejected` counts files that were left out by reason, `labels` and `feedback` what people said of texts.
    """

    documents: int
    paths: int
    passages: int
    characters: int
    revision: int
    encoder: str
    reader: str
    languages: Mapping[str, int]
    types: Mapping[str, int]
    bytes: int
    index: IndexInfo
    rejected: Mapping[str, int] = field(default_factory=dict)
    labels: int = 0
    feedback: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """Whether SQL and the two indexes agree, and what is wrong, in sentences.

    After a repair `done` says what it did, and `lost` what could not be brought back.
    """

    ok: bool
    problems: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

"""Words in tantivy (BM25): the only module that imports it.

One tantivy index serves all revisions, not one for each published generation: tantivy is itself made of
immutable segments, a commit replaces its `meta.json` atomically, merges are logarithmic, and its document
frequencies stay global, which separate indexes would lose. What a commit left undone is done again from
SQL: `update` takes passages out before it puts them in, so that repeating it changes nothing. A label beside
its files says which index of which store they are, and tantivy's own checksums stand at their ends.

Three fields of terms, which tantivy only splits at spaces: `body` holds stems (`analysis`) and is scored by
BM25 (k1 1.2, b 0.75); `words` and `links` hold what was written (`literals`) and are asked for phrases,
identifiers and how rare a word is.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tantivy
from numpy.typing import NDArray

from index.lexical import analysis, literals, tantivy_files
from index.lexical.literals import Literal
from index.os_errors import explained
from index.records import LexicalEntry

_LOG = logging.getLogger(__name__)
_STOP_WORD_LANGUAGES = {
    "da": "danish", "nl": "dutch", "fi": "finnish", "fr": "french", "de": "german",
    "hu": "hungarian", "it": "italian", "no": "norwegian", "pt": "portuguese", "ru": "russian",
    "es": "spanish", "sv": "swedish",
}  # fmt: skip
_WRITER_MEMORY_BYTES = 64_000_000
# Stands between the links of two runs, which are no neighbours; no link looks like it.
_NO_LINK = " | "
# A word is rare that stands in at most this share of the passages, or in one.
_RARE_SHARE = 0.002
# An identifier names one thing that stands in at most this share of the passages, or in three.
_UNIQUE_SHARE, _UNIQUE_LEAST = 0.0005, 3
# So does a word written as a name (`literals.proper`) that at most this share holds; measured in
# data/bench/choices.md.
_PROPER_SHARE = 0.0003
_DECISIVE_SHARE = 0.5
# More than the names of any but the strangest question.
PHRASE = 8


class DamagedLexicalIndex(Exception):
    """The folder holds no index that can be read; the store rebuilds it."""


class EarlierLexicalIndex(DamagedLexicalIndex):
    """The index is whole and holds the terms of an earlier version; the store rebuilds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalHit:
    """A passage id and its BM25 score.

    `first` says how much of what the question demands literally the passage holds (see `Named`); hits are
    sorted by it before their score.
    """

    id: int
    score: float
    first: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a question names and some passage holds: a quoted phrase, an identifier or a rare word.

    `share` is its part in the question's weight, its idf over the sum for all of the question's words; 1 for
    a phrase. `first` is above 0 if passages that hold it come before all others: `PHRASE` for a phrase, 1 for
    an identifier that hardly any passage holds and for a word written as a name that next to none holds
    (unless the question is a long text), and for what makes up half of the question's weight.
    """

    literal: Literal
    share: float
    first: int


class LexicalIndex:
    """A searchable index in one folder."""

    def __init__(
        self, index: tantivy.Index, schema: tantivy.Schema, folder: Path, *, linked: bool = False
    ) -> None:
        self._index = index
        self._schema = schema
        self._linked = linked
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, store: str = "") -> LexicalIndex:
        """A new, empty index of a store, in a folder that does not exist yet."""
        folder.mkdir(parents=True)
        schema = _schema()
        index = tantivy.Index(schema, path=str(folder))
        index.config_reader(reload_policy="manual")  # else a thread watches the folder and reads on its own
        tantivy_files.write_label(folder, store)
        return cls(index, schema, folder)

    @classmethod
    def open(cls, folder: Path, *, store: str = "", commit: int = 0) -> LexicalIndex:
        """Open for reading, or for writing by `update`; raises DamagedLexicalIndex.

        Also where the label names another store, or the files are older than the commit they should show.
        """
        try:
            last = tantivy_files.last_commit(folder)
        except FileNotFoundError as error:
            raise DamagedLexicalIndex(f"{folder.name}: {tantivy_files.META} is missing") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedLexicalIndex(
                f"{folder.name}: {tantivy_files.META} cannot be read: {error}"
            ) from error
        wrong = tantivy_files.foreign(folder, store)
        if wrong is None and last < commit:
            wrong = f"its last commit is {last}, which is older than {commit}"
        if wrong is not None:
            earlier = wrong == tantivy_files.EARLIER
            raise (EarlierLexicalIndex if earlier else DamagedLexicalIndex)(f"{folder.name}: {wrong}")
        try:
            return cls._opened(folder, linked=not os.access(folder, os.W_OK))
        except (ValueError, OSError) as error:
            if explained(error, str(folder)) is None:
                raise DamagedLexicalIndex(f"{folder.name}: {error}") from error
        return cls._through_links(folder)

    @classmethod
    def _opened(cls, folder: Path, *, linked: bool) -> LexicalIndex:
        links = _writable_view(folder) if linked else None
        index = tantivy.Index.open(str(links or folder))
        index.config_reader(reload_policy="manual")
        if index.schema != _schema():
            raise DamagedLexicalIndex(f"{folder.name}: an earlier version made it, without all fields")
        opened = cls(index, _schema(), links or folder, linked=linked)
        if links is not None:
            weakref.finalize(opened, shutil.rmtree, links, ignore_errors=True)
        return opened

    @classmethod
    def _through_links(cls, folder: Path) -> LexicalIndex:
        """For reading on a disk without room for the lock file; raises DamagedLexicalIndex."""
        try:
            return cls._opened(folder, linked=True)
        except (ValueError, OSError) as error:
            raise DamagedLexicalIndex(f"{folder.name}: {error}") from error

    @property
    def commit(self) -> int:
        """The number of the last commit; each is greater than the one before."""
        return tantivy_files.last_commit(self.folder)

    def update(self, entries: Iterable[LexicalEntry], deleted: Iterable[int]) -> None:
        """Add or replace entries and remove ids, in one commit."""
        if self._linked:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))
        writer = self._index.writer(heap_size=_WRITER_MEMORY_BYTES, num_threads=1)
        for passage_id in deleted:
            writer.delete_documents_by_query(self._is(passage_id))
        for entry in entries:
            writer.delete_documents_by_query(self._is(entry.id))
            document = tantivy.Document()
            document.add_unsigned("id", entry.id)
            document.add_unsigned("document", entry.document_key)
            words, links = literals.words_and_links(entry.text)
            document.add_text("body", " ".join(analysis.terms(entry.text, entry.language)))
            document.add_text("words", " ".join(words))
            document.add_text("links", _NO_LINK.join(" ".join(run) for run in links))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def _is(self, passage_id: int) -> tantivy.Query:
        # delete_documents_by_term finds nothing in an unsigned field (seen with tantivy 0.27).
        return tantivy.Query.term_query(self._schema, "id", passage_id)

    def view(self) -> LexicalView:
        """What is committed now, unchanged by later commits."""
        try:
            self._index.reload()
        except ValueError as error:
            if self._linked or explained(error, str(self.folder)) is None:
                raise
            return self._through_links(self.folder).view()
        return LexicalView(self._index.searcher(), self._schema, self)


class LexicalView:
    """An immutable state of the index."""

    def __init__(self, searcher: tantivy.Searcher, schema: tantivy.Schema, index: LexicalIndex) -> None:
        self._searcher = searcher
        self._schema = schema
        self._index = index  # whose files must stay while they are searched

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def ids(self) -> NDArray[np.int64]:
        """The passage ids that can be found, ascending."""
        if not len(self):
            return np.empty(0, np.int64)
        found = self._ask(tantivy.Query.all_query(), limit=len(self), count=False)
        return np.sort(self._ids([address for _, address in found.hits]))

    def search(
        self,
        query: str,
        k: int,
        languages: Sequence[str],
        document_keys: Sequence[int] | None = None,
        passage_ids: Sequence[int] | None = None,
    ) -> list[LexicalHit]:
        """The `k` best passages, of the given documents or passages or of all; statistics stay those of all.

        Passages that hold more of what the question demands literally (see `Named`) come first; those without
        any of it follow, so that there are `k` if that many hold a word of the question.
        """
        if not len(self) or k < 1 or (document_keys is not None and not document_keys):
            return []
        named = self.named(query)
        scored = self._query(query, languages, named)
        if scored is None:
            return []
        demands = [name for name in named if name.first]
        bonus = _above_bm25(query, len(self))
        if demands:
            lifted = [
                tantivy.Query.const_score_query(self._literal(name.literal), name.first * bonus)
                for name in demands
            ]
            scored = tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in (scored, *lifted)])
        if passage_ids is not None:
            scored = self._within(scored, "id", passage_ids)
        elif document_keys is not None:
            scored = self._within(scored, "document", document_keys)
        found = self._ask(scored, limit=k, count=False)
        ids = self._ids([address for _, address in found.hits])
        hits = []
        for passage_id, (score, _) in zip(ids.tolist(), found.hits, strict=True):
            first = int(score // bonus) if demands else 0
            hits.append(LexicalHit(id=passage_id, score=float(score) - first * bonus, first=first))
        return sorted(hits, key=lambda hit: (-hit.first, -hit.score, hit.id))

    def named(self, query: str) -> list[Named]:
        """The quoted phrases, identifiers and rare words of a question that some passage holds."""
        phrases = [phrase for phrase in literals.phrases(query) if self._frequency(phrase)]
        counted = [(name, self._frequency(name)) for name in literals.names(query)]
        found = [(name, count, _idf(count, len(self))) for name, count in counted if count]
        weight = sum(idf for _, _, idf in found)
        few, next_to_none = max(_UNIQUE_LEAST, _UNIQUE_SHARE * len(self)), _PROPER_SHARE * len(self)
        if literals.is_prose(query):
            few = next_to_none = 0.0
        proper = literals.proper(query)
        named = [Named(literal=phrase, share=1.0, first=PHRASE) for phrase in phrases]
        for name, count, idf in found:
            if name.identifier or count <= max(1, _RARE_SHARE * len(self)):
                most = few if name.identifier else 0.0 if proper.isdisjoint(name.words) else next_to_none
                first = int(count <= most or idf >= _DECISIVE_SHARE * weight)
                named.append(Named(literal=name, share=idf / weight, first=first))
        return named

    def holders(self, literal: Literal, ids: Sequence[int]) -> frozenset[int]:
        """Those of `ids` that hold the literal."""
        if not ids:
            return frozenset()
        inside = self._within(self._literal(literal), "id", ids)
        found = self._ask(inside, limit=len(ids), count=False)
        return frozenset(self._ids([address for _, address in found.hits]).tolist())

    def _ask(self, query: tantivy.Query, limit: int, count: bool) -> Any:
        """tantivy's result; raises DamagedLexicalIndex. Typed as Any: the stubs do not know the count."""
        with self._damage_named():
            return self._searcher.search(query, limit=limit, count=count)

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        """tantivy compares no checksums; on files that are not what it wrote it fails, or panics."""
        try:
            yield
        except BaseException as error:
            # A panic is no Exception.
            if isinstance(error, (ValueError, OSError)) or type(error).__name__ == "PanicException":
                name = self._index.folder.name
                raise DamagedLexicalIndex(f"{name}: {str(error).splitlines()[0]}") from error
            raise

    def _frequency(self, literal: Literal) -> int:
        """How many passages hold it."""
        if not literal.links and len(literal.words) == 1:
            with self._damage_named():
                return int(self._searcher.doc_freq("words", literal.words[0]))
        return int(self._ask(self._literal(literal), limit=1, count=True).count)

    def _literal(self, literal: Literal) -> tantivy.Query:
        """Passages in which the words stand side by side, and every run of links."""
        parts = [self._sequence("words", literal.words)]
        parts += [self._sequence("links", run) for run in literal.links]
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, part) for part in parts])

    def _sequence(self, field: str, terms: Sequence[str]) -> tantivy.Query:
        if len(terms) == 1:
            return tantivy.Query.term_query(self._schema, field, terms[0], index_option="freq")
        return tantivy.Query.phrase_query(self._schema, field, list(terms))

    def _within(self, scored: tantivy.Query, field: str, values: Sequence[int]) -> tantivy.Query:
        inside = tantivy.Query.term_set_query(self._schema, field, list(values))
        return tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Must, scored),
                (tantivy.Occur.Must, tantivy.Query.const_score_query(inside, 0.0)),
            ]
        )

    def _query(self, query: str, languages: Sequence[str], named: Sequence[Named]) -> tantivy.Query | None:
        """One clause for each word, the best of its variants, and one for each identifier.

        Stop words count only when there is nothing else.
        """
        spelled = analysis.variants(query, languages)
        words = list(zip(analysis.words(query), spelled, strict=True))
        stops = _stop_words(tuple(dict.fromkeys(languages or ("en",))), tuple(word for word, _ in words))
        clauses = [self._clause(terms) for word, terms in words if word not in stops]
        clauses = clauses or [self._clause(terms) for _, terms in words]
        if not clauses:
            return None
        clauses += [self._literal(name.literal) for name in named if name.literal.identifier]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, clause) for clause in clauses])

    def _clause(self, terms: Sequence[str]) -> tantivy.Query:
        queries = [
            tantivy.Query.term_query(self._schema, "body", term, index_option="freq") for term in terms
        ]
        return queries[0] if len(queries) == 1 else tantivy.Query.disjunction_max_query(queries)

    def _ids(self, addresses: Sequence[tantivy.DocAddress]) -> NDArray[np.int64]:
        with self._damage_named():
            values = self._searcher.fast_field_values("id", list(addresses)) if addresses else []
        return np.asarray(values, dtype=np.int64)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("id", indexed=True, fast=True)
    builder.add_unsigned_field("document", indexed=True)
    for name, option in (("body", "freq"), ("words", "position"), ("links", "position")):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option=option)
    return builder.build()


def _idf(frequency: int, passages: int) -> float:
    return math.log(1 + (passages - frequency + 0.5) / (frequency + 0.5))


def _above_bm25(query: str, passages: int) -> float:
    """More than BM25 gives any passage for this question: (k1 + 1) times the greatest idf for each word."""
    return 2.2 * math.log(2 + passages) * (1 + len(analysis.words(query)))


def _writable_view(folder: Path) -> Path:
    """A folder of links to a read-only index: tantivy takes a lock file beside the data even to read."""
    view = Path(tempfile.mkdtemp(prefix="spanwise-lexical-"))
    for file in folder.iterdir():
        if not file.name.endswith(".lock"):
            (view / file.name).symlink_to(file.resolve())
    return view


@lru_cache(maxsize=1024)
def _stop_words(languages: tuple[str, ...], words: tuple[str, ...]) -> frozenset[str]:
    """Those of `words` that are stop words in one of the languages (Snowball's lists)."""
    kept = set(words)
    for language in {analysis.stem_language(language) for language in languages}:
        if language == "en":
            kept -= analysis.ENGLISH_FUNCTION_WORDS
        elif language in _STOP_WORD_LANGUAGES:
            only = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
            analyser = only.filter(tantivy.Filter.stopword(_STOP_WORD_LANGUAGES[language])).build()
            kept &= set(analyser.analyze(" ".join(words)))
    return frozenset(set(words) - kept)

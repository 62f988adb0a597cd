"""Names that stand in one document only bring that document first: Python's enhancement proposals as proof.

The terms are drawn by rule and seed: identifiers, codes (versions, flags, numbers with letters) and rare
names, each from all terms of its kind that no other document holds, not even inside a longer word.
"""

from __future__ import annotations

import random
import re
import tarfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from index.search.retriever import Retriever
from index.store.store import Store

ARCHIVE = Path(__file__).parents[4] / "shared" / "data" / "documents" / "peps.tar.gz"
SEED = 7
TERM = re.compile(r"(?<![\w.\-/@])(?:--)?\w+(?:[.\-]\w+)*(?![\w\-/@]|\.\w)")
KINDS = {
    "identifier": (0.4, r"[A-Za-z]\w*_\w+|[a-z]+(?:\.[a-zA-Z_]\w+)+|[A-Za-z][a-z]+[A-Z]\w+"),
    "code": (0.2, r"[A-Z]+-?\d[\w.-]*\w|\d+(?:\.\d+)+\w*|--[a-z][\w-]+\w"),
    "name": (0.4, r"[A-Z][a-z]{3,}"),
}
TEMPLATES = ("{}", "what is {}", "where is {} described")
# In these a name is one word of many; it takes some thousand passages to tell that it is a rare one.
SENTENCES = (
    "I was reading about how modules are imported and then came across {} in some proposal, where does it "
    "say what that is for",
    "can you tell me which of the proposals for the standard library mentions {} and what the author wanted "
    "to do with it",
)

pytestmark = pytest.mark.skipif(not ARCHIVE.is_file(), reason="needs ../shared/data/documents/peps.tar.gz")


def drawn(texts: Mapping[str, str], count: int) -> list[tuple[str, str]]:
    """(term, id of the only document that holds it), `count` of them."""
    holders: dict[str, dict[str, str]] = defaultdict(dict)
    for document, text in sorted(texts.items()):
        for term in sorted(set(TERM.findall(text))):
            holders[term.casefold()].setdefault(document, term)
    alone = [next(iter(held.items())) for _, held in sorted(holders.items()) if len(held) == 1]
    folded = [text.casefold() for text in texts.values()]
    chosen: list[tuple[str, str]] = []
    for share, form in KINDS.values():
        pool = [pair for pair in alone if 4 <= len(pair[1]) <= 40 and re.fullmatch(form, pair[1])]
        random.Random(SEED).shuffle(pool)
        unique = ((term, id_) for id_, term in pool if sum(term.casefold() in text for text in folded) == 1)
        chosen += [pair for _, pair in zip(range(round(share * count)), unique, strict=False)]
    return chosen


def share_first(folder: Path, every: int, count: int, templates: Sequence[str]) -> dict[str, float]:
    """By template the share of `count` terms whose document comes first, of every so many proposals."""
    with tarfile.open(ARCHIVE) as archive:
        members = sorted((m for m in archive if m.isfile() and m.name.endswith(".rst")), key=lambda m: m.name)
        archive.extractall(folder / "files", members[::every], filter="data")
    with Store.open(folder / "store", create=True) as store:
        store.ingest([folder / "files"])
        texts = {}
        for info in store.documents():
            document = store.catalog.stored_documents.get(info.id)
            assert document is not None
            texts[info.id] = document.text
        terms = drawn(texts, count)
        assert len(terms) == count
        retriever = Retriever(store)
        shares = {}
        for template in templates:
            results = retriever.search_many([template.format(term) for term, _ in terms], k=1)
            right = [
                bool(result) and result[0].document.id == document
                for result, (_, document) in zip(results, terms, strict=True)
            ]
            shares[template] = sum(right) / count
    return shares


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_names_of_one_document_in_a_sample(tmp_path: Path) -> None:
    shares = share_first(tmp_path, every=40, count=60, templates=TEMPLATES)
    assert all(share >= 0.95 for share in shares.values()), shares


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_names_of_one_document_in_all(tmp_path: Path) -> None:
    shares = share_first(tmp_path, every=1, count=500, templates=TEMPLATES + SENTENCES)
    assert all(share >= 0.95 for share in shares.values()), shares

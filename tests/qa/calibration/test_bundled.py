"""What the bundled calibration is fitted to: natural questions in full, FAQ pages and SQuAD weighted down."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from index.protocols import Encoder
from qa.calibration.bundled import labelled_questions
from qa.records import SpanCandidate

NATURAL = ("rustbook", "openstax", "mixed", "factbook", "peps", "zh", "multi")
ARCHIVES = (
    *(f"documents/{name}" for name in NATURAL[:5]),
    "natural/zhtech",
    "natural/zhgen",
    "natural/multi",
)


class FirstWord:
    """Proposes the first word of every context."""

    name = fingerprint = "first-word"

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        words = [context.split()[0] for context in contexts]
        return [
            SpanCandidate(text=word, start=0, end=len(word), score=1.0, null_score=0.0, context=index)
            for index, word in enumerate(words)
        ]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]


def write_data(folder: Path) -> None:
    for part in ("natural", "documents", "qa"):
        (folder / part).mkdir()
    for archive in ARCHIVES:
        page = f"Ada built the tower of {archive}.".encode()
        with tarfile.open(folder / f"{archive}.tar.gz", "w:gz") as tar:
            member = tarfile.TarInfo("page.txt")
            member.size = len(page)
            tar.addfile(member, io.BytesIO(page))
    for name in NATURAL:
        lines = [
            {"kind": "definition", "question": "who built the tower", "answers": ["Ada"], "evidence": ""},
            {"kind": "fact", "question": "who sank the tower", "answerable": False},
        ]
        text = "\n".join(map(json.dumps, lines))
        (folder / f"natural/{name}.jsonl").write_text(text, encoding="utf-8")
    pages = [
        {
            "repo": f"o/{n}",
            "path": "faq.md",
            "question": f"who made lamp {n}",
            "context": f"Ines made lamp {n}.",
        }
        for n in range(10)
    ]
    rows = [page | {"answer": "Ines", "kind": "fact"} for page in pages]
    with gzip.open(folder / "qa/faq.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, rows)))
    asked = [
        {
            "context": f"Bo rang bell {n}.",
            "qas": [
                {
                    "id": str(n),
                    "question": f"who rang bell {n}",
                    "answers": [{"text": "Bo", "answer_start": 0}],
                }
            ],
        }
        for n in range(20)
    ]
    content = json.dumps({"data": [{"title": "Bells", "paragraphs": asked}]})
    for name in ("squad-v1.1-dev", "squad-v2-heldout"):
        with gzip.open(folder / f"qa/{name}.json.gz", "wt", encoding="utf-8") as file:
            file.write(content)


def test_every_set_with_its_weight(tmp_path: Path, hashing_encoder: Encoder) -> None:
    write_data(tmp_path)
    labelled = labelled_questions(tmp_path, FirstWord(), hashing_encoder)
    natural = [item for item in labelled if item.article in NATURAL]
    assert [item.article for item in natural] == [name for name in NATURAL for _ in range(2)]
    assert [(item.golds, item.kind, item.weight) for item in natural[:2]] == [
        (("Ada",), "definition", 1.0),
        ((), "fact", 1.0),
    ]
    assert natural[0].right(natural[0].claims[0].candidate.text)
    faq = [item for item in labelled if item.article == "faq"]
    assert len(faq) == 10
    assert sum(not item.golds for item in faq) == 2  # every fifth without its own page
    for item in faq:
        assert any(item.right(claim.candidate.text) for claim in item.claims) is bool(item.golds)
    squad = [item for item in labelled if item.article.startswith("squad")]
    assert len(squad) == 40
    assert all(item.weight < min(other.weight for other in faq) < 1.0 for item in squad)

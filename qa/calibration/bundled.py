"""The calibration that is shipped with a bundled reader: fitted to questions of all kinds and collections.

    python -m qa.calibration.bundled DATA OUT.json [--encoder pocket --reader pocket] [--stores FOLDER]

DATA holds `natural/*.jsonl`, their collections in `documents/*.tar.gz` and `natural/*.tar.gz`, and in `qa/`
`faq.jsonl.gz`, `squad-v1.1-dev.json.gz` and `squad-v2-heldout.json.gz`. `--stores` is a folder of stores that
were ingested with this encoder before, one for each natural collection, by its name; without it they are made
for the run. Natural questions count in full, the others by the weights below. What is printed is crossed:
each natural collection judged by a fit to all the others.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import random
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from index.models.encoder import load_encoder
from index.protocols import Encoder
from index.records import Filters
from index.store.store import Store
from ingest.batches import batched
from ingest.errors import exit_with_message
from ingest.records import Text
from qa.answering.answerer import Answerer
from qa.answering.decision import DecisionSettings
from qa.calibration.calibrate import collect, fit_calibration
from qa.calibration.fit import LabelledQuestion
from qa.evaluation.natural import collection_of, read_natural_questions
from qa.protocols import Reader
from qa.reading.reader import load_reader
from qa.squad.dataset import read_squad

_LOG = logging.getLogger(__name__)
_COLLECTIONS = {
    "rustbook": ("documents/rustbook",),
    "openstax": ("documents/openstax",),
    "mixed": ("documents/mixed",),
    "factbook": ("documents/factbook",),
    "peps": ("documents/peps",),
    "zh": ("natural/zhtech", "natural/zhgen"),
    "multi": ("natural/multi",),
}
_FAQ, _FAQ_WEIGHT, _FAQ_GROUPS, _FAQ_LEFT_OUT = 300, 0.3, 20, 5
_SQUAD, _SQUAD_WEIGHT = {"squad-v1.1-dev.json.gz": 300, "squad-v2-heldout.json.gz": 150}, 0.2
_SOURCE = "natural, FAQ and SQuAD questions"
_AT_ONCE = 16


def labelled_questions(
    data: Path, reader: Reader, encoder: Encoder, stores: Path | None = None
) -> list[LabelledQuestion]:
    """All questions with what the reader claims for them; the article of each is the set that it is from."""
    labelled: list[LabelledQuestion] = []
    for name, archives in _COLLECTIONS.items():
        with _natural_store(data, archives, encoder, stores and stores / name) as store:
            labelled += _natural(data / f"natural/{name}.jsonl", name, Answerer(store, reader, encoder))
        _LOG.warning("%s: %d questions so far", name, len(labelled))
    labelled += _faq(data / "qa/faq.jsonl.gz", reader, encoder)
    for name, count in _SQUAD.items():
        for question in collect(read_squad(data / "qa" / name), reader, encoder, limit=count):
            labelled.append(replace(question, article=name, weight=_SQUAD_WEIGHT))
    return labelled


@contextmanager
def _natural_store(
    data: Path, archives: Sequence[str], encoder: Encoder, ready: Path | None
) -> Iterator[Store]:
    with ExitStack() as stack:
        if ready is not None:
            yield stack.enter_context(Store.open(ready, encoder=encoder))
            return
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="spanwise-"))
        for archive in archives:
            with tarfile.open(data / f"{archive}.tar.gz") as tar:
                tar.extractall(folder, filter="data")
        yield stack.enter_context(collection_of([folder], encoder))


def _natural(path: Path, name: str, answerer: Answerer) -> Iterator[LabelledQuestion]:
    for part in batched(read_natural_questions(path), _AT_ONCE):
        for asked, item in zip(part, answerer.read([asked.question for asked in part]), strict=True):
            yield LabelledQuestion(article=name, claims=item.claims, golds=asked.answers, kind=asked.kind)


def _faq(path: Path, reader: Reader, encoder: Encoder) -> Iterator[LabelledQuestion]:
    """Questions of FAQ pages, each asked of pages of twenty projects, a fifth without its own."""
    rng = random.Random(1)  # noqa: S311  a sample, not a secret
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [json.loads(line) for line in file]
    projects = sorted({row["repo"] for row in rows})
    rng.shuffle(projects)
    group = {project: number % _FAQ_GROUPS for number, project in enumerate(projects)}
    pages: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        pages.setdefault((row["repo"], row["path"]), []).append(row["context"])
    with (
        tempfile.TemporaryDirectory(prefix="spanwise-") as folder,
        Store.open(Path(folder) / "store", create=True, encoder=encoder) as store,
    ):
        store.add(
            Text(id=f"{project}/{page}", text="\n\n".join(dict.fromkeys(texts)), title=project.split("/")[-1])
            for (project, page), texts in pages.items()
        )
        documents: dict[str, list[str]] = {}
        for document in store.documents():
            project = "/".join(document.path.removeprefix("text:").split("/")[:2])
            documents.setdefault(project, []).append(document.id)
        answerer = Answerer(store, reader, encoder)
        for number, row in enumerate(rng.sample(rows, min(_FAQ, len(rows)))):
            left_out = number % _FAQ_LEFT_OUT == 0
            asked = [
                document
                for project, own in documents.items()
                if group[project] == group[row["repo"]] and not (left_out and project == row["repo"])
                for document in own
            ]
            (item,) = answerer.read([row["question"]], filters=Filters(documents=tuple(asked)))
            yield LabelledQuestion(
                article="faq",
                claims=item.claims,
                golds=() if left_out else (row["answer"],),
                kind=row["kind"],
                weight=_FAQ_WEIGHT,
            )


def main() -> None:
    """Ask all questions, write the calibration, print its crossed figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--encoder", default="pocket")
    parser.add_argument("--reader", default="pocket")
    parser.add_argument("--stores", type=Path)
    flags = parser.parse_args()
    reader, encoder = load_reader(flags.reader), load_encoder(flags.encoder)
    labelled = labelled_questions(flags.data, reader, encoder, flags.stores)
    calibration = fit_calibration(
        labelled, DecisionSettings(), reader, encoder, source=_SOURCE, judged=tuple(_COLLECTIONS)
    )
    flags.out.write_text(json.dumps(asdict(calibration), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(calibration.figures, indent=1) + "\n")


if __name__ == "__main__":
    with exit_with_message():
        main()

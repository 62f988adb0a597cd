"""Reading and answering in every language of parallel SQuAD files: XQuAD (Artetxe et al. 2020).

    own      questions over the texts of their own language, as one collection
    across   the same questions over the texts of one other language, whose gold answers count

The files hold the same questions under the same ids, so that a question in one language has its answer in the
texts of every other. Figures by the official SQuAD rules; where a language writes no blanks (Chinese, Thai)
the reader's are by letters, and for answers exact match says more than F1.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.errors import DataError
from index.protocols import Encoder
from qa.evaluation.evaluate import evaluate_groups, evaluate_reader
from qa.evaluation.reports import AnswersReport, ReaderReport
from qa.protocols import Reader
from qa.squad.dataset import Example, SquadFile, read_squad

_NAME = re.compile(r".*[._-]([a-z]{2})\.json(?:\.gz)?")

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageFigures:
    """One language: reading gold paragraphs, answers over its own texts, and over those of another."""

    language: str
    read: ReaderReport
    own: AnswersReport
    across: AnswersReport | None

    def as_json(self) -> dict[str, Any]:
        """The figures that tables show."""
        return {
            "reader": {"exact": self.read.every.exact, "f1": self.read.every.f1},
            "own": _answers(self.own),
            "across": None if self.across is None else _answers(self.across),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguagesReport:
    """All languages; `across` is the one whose texts were asked in all languages."""

    languages: tuple[LanguageFigures, ...]
    across: str
    questions: int

    def as_json(self) -> dict[str, Any]:
        """The figures by language."""
        return {
            "languages": {item.language: item.as_json() for item in self.languages},
            "across": self.across,
            "questions": self.questions,
        }


def evaluate_languages(
    folder: str | Path,
    reader: Reader,
    encoder: Encoder,
    *,
    across: str = "en",
    limit: int | None = None,
    seed: int = 0,
    k: int = 20,
    progress: Progress | None = None,
) -> LanguagesReport:
    """Every file `*.LANGUAGE.json` (or .json.gz) of a folder; texts of `across` are asked in all languages.

    `limit` draws that many questions by `seed`, the same in every language; the collections stay whole.
    `progress` is called with (stages done, stages, what is being done). Raises DataError where there are no
    such files.
    """
    files = _files(Path(folder))
    if across not in files:
        raise DataError(
            f"{folder} has no file of the language {across!r}, only {', '.join(sorted(files))}",
            hint="name one of these with --across",
        )
    squads = {language: read_squad(path) for language, path in sorted(files.items())}
    ids = _sample([example.id for example in squads[across].examples], limit, seed)
    done = 0

    def begin(what: str) -> None:
        nonlocal done
        if progress:
            progress(done, 3 * len(squads), what)
        done += 1

    examples = {language: _shared(squad, ids, squads[across]) for language, squad in squads.items()}
    target = {example.id: example for example in squads[across].examples}
    moved = {
        language: [replace(target[item.id], question=item.question) for item in items]
        for language, items in examples.items()
    }
    crossed = evaluate_groups(
        squads[across],
        moved,
        reader,
        encoder,
        k=k,
        progress=lambda language: begin(f"{language}: texts in {across}"),
    )
    figures: list[LanguageFigures] = []
    for language, squad in squads.items():
        begin(f"{language}: gold paragraphs")
        read = evaluate_reader(replace(squad, examples=tuple(examples[language])), reader, always_answer=True)
        begin(f"{language}: own texts")
        same = language == across
        own = (
            crossed if same else evaluate_groups(squad, {language: examples[language]}, reader, encoder, k=k)
        )
        figures.append(
            LanguageFigures(
                language=language,
                read=read,
                own=own[language],
                across=None if same else crossed[language],
            )
        )
    return LanguagesReport(languages=tuple(figures), across=across, questions=len(ids))


def _shared(squad: SquadFile, ids: frozenset[str], target: SquadFile) -> list[Example]:
    """The sampled questions of a file that the other one holds too."""
    shared = {example.id for example in target.examples} & ids
    examples = [example for example in squad.examples if example.id in shared]
    if not examples:
        raise DataError(
            f"{squad.path} shares no question with {target.path}",
            hint="the ids must be the same in all files",
        )
    return examples


def _files(folder: Path) -> Mapping[str, Path]:
    """By language, one file each."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", hint="give the folder of the files")
    named = {path: _NAME.fullmatch(path.name) for path in sorted(folder.iterdir())}
    files = {match[1]: path for path, match in named.items() if match}
    if not files:
        raise DataError(
            f"{folder} holds no file named by its language",
            hint="expected SQuAD files such as xquad.de.json, plain or .gz",
        )
    return files


def _sample(ids: Sequence[str], limit: int | None, seed: int) -> frozenset[str]:
    if limit is None or limit >= len(ids):
        return frozenset(ids)
    return frozenset(random.Random(seed).sample(ids, limit))  # noqa: S311  a sample, not a secret


def _answers(report: AnswersReport) -> dict[str, float | None]:
    return {
        "exact_forced": report.forced.exact,
        "f1_forced": report.forced.f1,
        "exact": report.decided.exact,
        "f1": report.decided.f1,
        "recall@k": report.recall,
        "coverage": report.answered / report.decided.total,
        "ece": report.ece,
    }

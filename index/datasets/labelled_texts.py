"""Labelled texts and pairs of texts: read from columns, checked, weighted, partly held out.

    .csv  .tsv  .txt (with tabs)   a header that names the columns, or no header and: text, label
    .jsonl                         an object a line

The columns are found by the names that people give them (`text`, `sentence`, `premise` ...; `label`,
`category` ...), or named in the settings. A label `a|b` means one of
the two, not known which: sets with coarse labels can be learnt together with finer ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from index.datasets.row_files import rows
from index.datasets.sampling import divide
from index.datasets.setting_types import STRICT, NotNegative
from index.errors import DataError

EITHER = "|"
_TEXT = ("text", "sentence", "premise", "sentence1", "sentence_a", "question", "passage")
_SECOND = ("hypothesis", "second", "sentence2", "sentence_b", "text2")
_LABEL = ("label", "category", "class", "topic", "sentiment", "gold_label", "entailment_judgment", "type")
_FORM = "expected columns `text` and `label` (or name yours) in a .csv, .tsv or .jsonl file, plain or .gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSource:
    """A file of labelled texts, and how often each is seen per epoch.

    `text`, `second` and `label` name its columns where their names do not say so. `labels` renames labels;
    what is renamed to nothing is left out.
    """

    __pydantic_config__: ClassVar = STRICT

    path: str
    weight: NotNegative = 1.0
    text: str | None = None
    second: str | None = None
    label: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text, or two that are judged together, and its label."""

    text: str
    label: str
    second: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """The one text or both."""
        return (self.text,) if self.second is None else (self.text, self.second)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label, or those of which it is one."""
        return tuple(self.label.split(EITHER))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleFile:
    """The examples of a file; `empty` names the places without a text or a label."""

    path: str
    examples: tuple[Example, ...]
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleReport:
    """What a file gave: examples taken, rows left out, and how many examples bear each label."""

    path: str
    examples: int
    empty: int
    labels: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleData:
    """Examples to learn from with their weights, and those held out; `labels` in order of their names."""

    examples: tuple[Example, ...]
    weights: tuple[float, ...]
    held_out: tuple[Example, ...]
    reports: tuple[ExampleReport, ...]
    labels: tuple[str, ...]

    @property
    def pairs(self) -> bool:
        """Whether two texts are judged together."""
        return self.examples[0].second is not None


def read_examples(source: ExampleSource) -> ExampleFile:
    """The examples of a file; raises DataError where it cannot be read or a column is not there."""
    path = Path(source.path)
    examples: list[Example] = []
    empty: list[str] = []
    for where, row in rows(path, partial(_header, source), unnamed=("text", "label"), form=_FORM):
        values = {name: _word(value) for name, value in row.items()}
        if not all(values.values()):
            empty.append(where)
            continue
        label = source.labels.get(values["label"], values["label"])
        if label:  # renamed to nothing: not wanted
            examples.append(Example(text=values["text"], second=values.get("second"), label=label))
    if not examples:
        raise DataError(f"{path} holds no text with a label ({len(empty)} rows lack one of them)", hint=_FORM)
    return ExampleFile(path=str(path), examples=tuple(examples), empty=tuple(empty))


def load_examples(
    sources: Sequence[ExampleSource],
    *,
    hold_out: float,
    strict: bool = False,
) -> ExampleData:
    """All sources together; a share `hold_out` of the texts is kept apart, the same in every training.

    Rows without a text or a label are counted and left out, or, with `strict`, refused. Raises DataError
    where fewer than two labels are left, or single texts and pairs are mixed.
    """
    if not sources:
        raise DataError("there is nothing to train on", hint="give one or more files of labelled texts")
    weighed: list[tuple[Example, str, float]] = []
    reports: list[ExampleReport] = []
    for source in sources:
        file = read_examples(source)
        if strict and file.empty:
            raise DataError(
                f"{file.path}: {len(file.empty)} rows lack a text or a label, first {file.empty[0]}",
                hint="fill them, or leave --strict out to skip these rows",
            )
        weighed += [(example, "\n".join(example.texts), source.weight) for example in file.examples]
        counts = Counter(example.label for example in file.examples)
        reports.append(
            ExampleReport(
                path=source.path,
                examples=len(file.examples),
                empty=len(file.empty),
                labels=dict(counts.most_common()),
            )
        )
    division = divide(weighed, hold_out)
    if not sum(division.weights):
        raise DataError("no example is left to train on", hint="check the files, their weights and hold_out")
    labels = _labels(division.items)
    known = set(labels)
    return ExampleData(
        examples=division.items,
        weights=division.weights,
        # What bears a label of its own cannot be judged by a model that never saw it.
        held_out=tuple(example for example in division.held_out if known.issuperset(example.labels)),
        reports=tuple(reports),
        labels=labels,
    )


def _labels(examples: Sequence[Example]) -> tuple[str, ...]:
    if len({example.second is None for example in examples}) > 1:
        raise DataError("some files hold single texts and others pairs", hint="train two classifiers")
    labels = tuple(sorted({label for example in examples for label in example.labels}))
    if len(labels) < 2:
        raise DataError(
            f"all {len(examples)} examples bear the label {labels[0]!r}",
            hint="a classifier needs texts of at least two labels",
        )
    return labels


# -- rows -----------------------------------------------------------------------------------------------


def _header(source: ExampleSource, where: str, names: Sequence[str]) -> dict[str, str] | None:
    """The columns of text, label and, for pairs, of the second text; None for a row that is no header."""
    named = source.text or source.second or source.label
    folded = {name.casefold(): name for name in names}
    if where.endswith("the first row") and not named and not folded.keys() & set(_LABEL) and len(names) == 2:
        return None
    columns = {
        "text": _column(where, names, source.text, _TEXT, "text"),
        "label": _column(where, names, source.label, _LABEL, "label"),
    }
    if source.second is not None:
        columns["second"] = _column(where, names, source.second, (), "second text")
    elif second := next((folded[name] for name in _SECOND if name in folded), None):
        columns["second"] = second
    return columns


def _word(value: Any) -> str:
    """Text as it is, a number as it is written, anything else as nothing."""
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _column(where: str, names: Sequence[str], wanted: str | None, usual: Sequence[str], what: str) -> str:
    if wanted is not None:
        if wanted not in names:
            raise DataError(
                f"{where}: no column {wanted!r} for the {what} among {', '.join(names[:8])}",
                hint=_FORM,
            )
        return wanted
    folded = {name.casefold(): name for name in names}
    for name in usual:
        if name in folded:
            return folded[name]
    raise DataError(
        f"{where}: no column for the {what} among {', '.join(names[:8])}",
        hint=f"call it `{usual[0]}`, or name it with --{what.replace(' ', '-')}-column",
    )

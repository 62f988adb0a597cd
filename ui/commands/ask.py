"""The commands `search` and `ask`; with `ask --batch` many questions, one a line or JSON lines.

The first line of a batch that is not blank says which of the two it is. Blank lines are skipped; a question
without an id of its own is numbered, from "1".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import DataError
from index.records import Mode
from ui.arguments import Commands, add_filters, filters_of, positive, share
from ui.render import json_forms, terminal
from ui.settings import Flags, Settings, UsageError

if TYPE_CHECKING:  # these modules load models, this one must not
    from qa.answering.answerer import Answerer
    from qa.explanation.records import Why
    from qa.records import AskResult

_ANSWERS = 3
_FORM = 'give one question a line, or on every line an object like {"id": "q1", "question": "who wrote it?"}'


def declare(commands: Commands) -> None:
    """Declare `search` and `ask`."""
    sub = commands.add("search", "find the passages nearest to a question", search)
    sub.add_argument("question", nargs="+", metavar="QUESTION")
    sub.add_argument("-k", type=positive, default=10, metavar="N", help="number of passages (10)")
    sub.add_argument(
        "--mode",
        choices=[mode.value for mode in Mode],
        default=Mode.HYBRID.value,
        help="which index answers (hybrid)",
    )
    add_filters(sub)

    purpose = "answer a question with the exact words of a document, or say that there is no answer"
    sub = commands.add("ask", purpose, ask)
    sub.add_argument("question", nargs="*", metavar="QUESTION")
    sub.add_argument(
        "--batch",
        metavar="FILE",
        help="one question a line, or JSON lines with id and question; - is standard input; JSON lines out",
    )
    sub.add_argument(
        "--table",
        type=Path,
        metavar="OUT",
        help="with --batch: write a row for each question here, as .csv, .xlsx or .jsonl",
    )
    sub.add_argument(
        "--answers",
        type=positive,
        metavar="N",
        help="answers at most, however unlikely (without it 3, and as text only those of 5 %% and more)",
    )
    sub.add_argument("-k", type=positive, default=20, metavar="N", help="passages to read (20)")
    sub.add_argument("--always-answer", action="store_true", help="show the best guess even when unsure")
    sub.add_argument("--why", action="store_true", help="say for each answer what spoke for it")
    sub.add_argument(
        "--min-confidence",
        type=share,
        metavar="P",
        help="least confidence, 0 to 1, of an answer that is given (fitted)",
    )
    add_filters(sub)


def search(flags: Flags, settings: Settings) -> int:
    """Rank the passages of the store."""
    from index.search.retriever import Retriever
    from index.store.store import Store

    with Store.open(settings.store, models=settings.models) as store:
        result = Retriever(store).search(
            " ".join(flags["question"]), k=flags["k"], mode=Mode(flags["mode"]), filters=filters_of(flags)
        )
        labels = store.labels_of([hit.passage.id for hit in result.hits])
    shown = terminal.search_text(result, terminal.style_of(settings))
    terminal.show(settings, json_forms.search_json(result, labels), shown)
    return 0


def ask(flags: Flags, settings: Settings) -> int:
    """Answer one question, or a batch of them."""
    if flags["batch"] is None and not flags["question"]:
        raise UsageError("ask needs a question", hint='try: spanwise ask "who wrote it?", or --batch FILE')
    if flags["table"] is not None and flags["batch"] is None:
        raise UsageError("--table goes with --batch", hint="put the questions in a file: --batch FILE")
    if flags["batch"] is not None and flags["question"]:
        raise UsageError("ask takes either a question or --batch, not both", hint="leave one of them out")

    from qa.answering.answerer import Answerer
    from qa.answering.support import likely

    options = {
        "answers": flags["answers"] or _ANSWERS,
        "k": flags["k"],
        "filters": filters_of(flags),
        "always_answer": flags["always_answer"],
        "min_confidence": flags["min_confidence"],
    }
    if flags["batch"] is None:
        with Answerer.open(settings.store, models=settings.models) as answerer:
            result = answerer.ask(" ".join(flags["question"]), **options)
            if flags["answers"] is None and not settings.json:
                result = likely(result)
            whys = _explanations(flags, answerer)(result)
        shown = terminal.ask_text(result, terminal.style_of(settings), whys)
        terminal.show(settings, json_forms.ask_json(result, whys), shown)
        return 0
    batch = read_questions(flags["batch"])
    if flags["table"] is not None:
        return _ask_table(flags, settings, batch, options)
    with Answerer.open(settings.store, models=settings.models) as answerer:
        explain = _explanations(flags, answerer)
        results = answerer.ask_many([item.question for item in batch], **options)
        for item, result in zip(batch, results, strict=True):
            print(
                json_forms.dumps({"id": item.id, **json_forms.ask_json(result, explain(result))}), flush=True
            )
    return 0


def _ask_table(
    flags: Flags, settings: Settings, batch: Sequence[BatchQuestion], options: dict[str, Any]
) -> int:
    from qa.answering.answerer import Answerer
    from ui.render.progress import Progress
    from ui.services.questionnaire import row_of, table_writer

    answered = 0
    with (
        table_writer(flags["table"]) as write,
        Answerer.open(settings.store, models=settings.models) as answerer,
        Progress("question") as progress,
    ):
        progress(0, len(batch))
        results = answerer.ask_many([item.question for item in batch], **options)
        for done, (item, result) in enumerate(zip(batch, results, strict=True), start=1):
            write(row_of(str(item.id), result))
            answered += result.answered
            progress(done, len(batch))
    facts = {"questions": len(batch), "answered": answered, "table": str(flags["table"])}
    terminal.show(settings, facts, f"{answered:,} of {len(batch):,} questions answered, in {flags['table']}")
    return 0


def _explanations(flags: Flags, answerer: Answerer) -> Callable[[AskResult], Sequence[Why]]:
    """A function that explains every answer of a result; without --why it explains none."""
    if not flags["why"]:
        return lambda result: ()
    from qa.explanation.explainer import Explainer

    explainer = Explainer(answerer.reader.name)
    return lambda result: [explainer.explain(result, answer) for answer in result.answers]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchQuestion:
    """One question and the name under which its result is printed."""

    id: str | int
    question: str


def read_questions(source: str) -> tuple[BatchQuestion, ...]:
    """The questions of the file `source`, "-" for standard input; DataError names file and line."""
    name = "standard input" if source == "-" else source
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}", hint="check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text: {error.reason}", hint="save it as UTF-8") from error
    return tuple(_questions(name, lines))


def _questions(name: str, lines: list[str]) -> Iterator[BatchQuestion]:
    filled = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    as_objects = bool(filled) and filled[0][1].startswith("{")
    for position, (number, line) in enumerate(filled, start=1):
        if as_objects:
            yield _question(f"{name}, line {number}", line, str(position))
        else:
            yield BatchQuestion(id=str(position), question=line)


def _question(where: str, line: str, fallback_id: str) -> BatchQuestion:
    try:
        item = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where} is not JSON: {error}", hint=_FORM) from error
    question = item.get("question") if isinstance(item, dict) else None
    own_id = item.get("id", fallback_id) if isinstance(item, dict) else None
    if not isinstance(question, str) or not isinstance(own_id, str | int):
        raise DataError(f"{where} has no question, or an id that is no text or number", hint=_FORM)
    return BatchQuestion(id=own_id, question=question)

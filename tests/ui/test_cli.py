"""The command line from outside: exit statuses, errors in both forms, flags in any place, quick help."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from index.errors import DataError, StoreNotFound
from index.records import Filters, Mode
from ui.arguments import filters_of
from ui.cli import main
from ui.commands.ask import read_questions
from ui.commands.grammar import build_parser
from ui.settings import Flags, Settings

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "faiss", "streamlit", "sqlalchemy", "transformers", "tantivy", "numpy", "huggingface_hub")
COMMANDS = [
    [],
    *(["ingest"], ["search"], ["ask"], ["ui"], ["demo"], ["init"], ["stats"], ["delete"], ["check"]),
    *(["calibrate"], ["train"], ["train", "reader"]),
    *(["repair"], ["models"], ["eval"], ["eval", "reader"], ["eval", "retrieval"], ["eval", "answers"]),
    *(["compact"], ["bench"], ["bench", "scale"]),
    *(["export"], ["import"], ["backup"], ["reembed"]),
]


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ui", *arguments],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
        **options,
    )


def parse(*arguments: str) -> dict[str, Any]:
    return vars(build_parser().parse_args(arguments))


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts an exception in the place of the command `stats`."""

    def install(error: BaseException) -> None:
        def command(flags: Flags, settings: Settings) -> int:
            raise error

        monkeypatch.setattr("ui.commands.store.stats", command)

    return install


def test_help_of_every_command_loads_nothing_heavy() -> None:
    program = (
        "import contextlib, io, json, sys\n"
        "from ui.cli import main\n"
        f"for command in {COMMANDS!r}:\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "        try:\n"
        "            main([*command, '--help'])\n"
        "        except SystemExit as exit:\n"
        "            assert exit.code == 0\n"
        "    assert 'usage: spanwise' in out.getvalue()\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, timeout=60, check=True
    )
    assert json.loads(done.stdout) == []


def test_the_page_answers_without_loading_pytorch() -> None:
    program = (
        "import sys\nimport ui.page.frame, ui.page.tabs.ask, ui.page.tabs.search, ui.page.tabs.document\n"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--store", "/s", "--models", "m", "--json", "search", "why"),
        ("search", "why", "--store", "/s", "--models", "m", "--json"),
        ("--store", "/s", "search", "--models", "m", "why", "--json"),
    ],
)
def test_common_flags_count_before_and_after_the_command(arguments: tuple[str, ...]) -> None:
    flags = parse(*arguments)
    assert (flags["store"], flags["models"], flags["json"], flags["question"]) == ("/s", "m", True, ["why"])


def test_common_flags_count_at_all_three_places_of_an_evaluation() -> None:
    flags = parse("--store", "/s", "eval", "--encoder", "e", "reader", "f.json", "--reader", "r")
    assert (flags["store"], flags["encoder"], flags["reader"]) == ("/s", "e", "r")
    assert flags["command"] == "eval reader"


def test_modes_are_a_list() -> None:
    assert parse("eval", "retrieval", "set")["mode"] == (Mode.HYBRID,)
    given = parse("eval", "retrieval", "set", "--mode", "dense, hybrid,dense")
    assert given["mode"] == (Mode.DENSE, Mode.HYBRID)


def test_a_question_needs_no_quotes_and_filters_repeat() -> None:
    flags = parse(
        *("ask", "who", "wrote", "it", "--language", "DE", "--language", "en", "--type", ".PDF"),
        *("--path", "a/**", "--since", "2024-05-01", "--until", "2024-05-31", "--document", "d"),
    )
    assert " ".join(flags["question"]) == "who wrote it"
    filters = filters_of(flags)
    assert (filters.languages, filters.types, filters.paths, filters.documents) == (
        ("de", "en"),
        ("pdf",),
        ("a/**",),
        ("d",),
    )
    assert filters.since is not None
    assert filters.until is not None
    assert filters.since.isoformat().startswith("2024-05-01T00:00:00")
    # the last day counts whole
    assert filters.until.isoformat().startswith("2024-05-31T23:59:59")
    assert filters.since.tzinfo is not None


def test_no_filter_flags_mean_no_filter() -> None:
    assert filters_of(parse("search", "why")) == Filters()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("search",),
        ("search", "why", "-k", "0"),
        ("search", "why", "-k", "many"),
        ("search", "why", "--mode", "magic"),
        ("search", "why", "--since", "yesterday"),
        ("ask",),
        ("ask", "why", "--batch", "-"),
        ("ui", "--port", "70000"),
        ("eval",),
        ("eval", "retrieval", "set", "--mode", "dense,magic"),
        ("stats", "--unknown"),
        ("ask", "why", "--alw"),
    ],
)
def test_usage_errors_are_two_with_one_line_and_a_hint(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    message, hint = err.splitlines()
    assert message.startswith("spanwise: ")
    assert hint.startswith("  ")

    assert main([*arguments, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "UsageError"
    assert error["message"]
    assert error["hint"]


def test_what_the_user_can_mend_is_two(failing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    failing(StoreNotFound("there is no store in /x\nat all", hint="spanwise ingest PATH"))
    assert main(["stats"]) == 2
    assert capsys.readouterr() == ("", "spanwise: there is no store in /x at all\n  spanwise ingest PATH\n")
    assert main(["stats", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "error": {
            "type": "StoreNotFound",
            "message": "there is no store in /x\nat all",
            "hint": "spanwise ingest PATH",
        }
    }


def test_our_own_fault_is_one_and_shows_its_trace_only_when_asked(
    failing: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(ZeroDivisionError("of all things"))
    monkeypatch.delenv("SPANWISE_DEBUG", raising=False)
    assert main(["stats"]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: of all things" in err
    assert "Traceback" not in err
    monkeypatch.setenv("SPANWISE_DEBUG", "1")
    assert main(["stats", "--json"]) == 1
    out, err = capsys.readouterr()
    assert "Traceback" in err
    assert json.loads(out)["error"]["type"] == "ZeroDivisionError"


def test_an_interruption_is_130(failing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    failing(KeyboardInterrupt())
    assert main(["stats"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ui", "models"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HF_HOME": str(tmp_path)},
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == b""


@pytest.mark.parametrize("command", ["search", "ask", "stats", "check", "repair", "delete"])
def test_reading_commands_name_ingest_when_there_is_no_store(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = ["why"] if command in {"search", "ask", "delete"} else []
    assert main([command, *question, "--store", str(tmp_path / "none"), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "StoreNotFound"
    assert "spanwise ingest" in error["hint"]
    assert not (tmp_path / "none").exists()


def test_init_makes_a_store_once_and_a_dry_run_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, notes = tmp_path / "store", tmp_path / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text("The ferry leaves at noon.")
    assert main(["ingest", str(notes), "--dry-run", "--store", str(store), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["added"] == 1
    assert not store.exists()
    for created in (True, False):
        assert main(["init", "--store", str(store), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {
            "store": str(store),
            "created": created,
            "encoder": "pocket",
            "reader": "pocket",
        }
    assert main(["stats", "--store", str(store), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["documents"] == 0
    assert main(["stats", "--store", str(store), "--models", "nonsense", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["type"] == "ModelNotFound"


def test_models_lists_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    presets = {preset["name"]: preset for preset in json.loads(capsys.readouterr().out)["presets"]}
    assert set(presets) == {"pocket", "polyglot", "base", "large", "multilingual"}
    assert [name for name, preset in presets.items() if preset["bundled"]] == ["pocket", "polyglot"]
    assert presets["pocket"]["default"]
    assert presets["pocket"]["encoder"]["bytes"] > 1_000_000
    assert main(["models"]) == 0
    assert "pocket (bundled, the default)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("who?\n\n  why?  \n", [("1", "who?"), ("2", "why?")]),
        ('{"id": "a", "question": "who?"}\n{"question": "why?"}\n', [("a", "who?"), ("2", "why?")]),
        ('{"id": 7, "question": "who?"}\n', [(7, "who?")]),
        ("\ufeffwho?\n", [("1", "who?")]),
        ("", []),
    ],
)
def test_a_batch_is_lines_or_json_lines(
    content: str, expected: list[tuple[str | int, str]], tmp_path: Path
) -> None:
    file = tmp_path / "questions"
    file.write_text(content, encoding="utf-8")
    assert [(item.id, item.question) for item in read_questions(str(file))] == expected


@pytest.mark.parametrize(
    "content",
    [
        '{"id": "a"}\n',
        '{"question": 7}\n',
        '{"id": [], "question": "who?"}\n',
        '{"question": "who?"}\nwhy?\n',
    ],
)
def test_a_batch_that_is_not_in_form_names_the_line(content: str, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"questions\.jsonl, line \d"):
        read_questions(str(file))


def test_a_batch_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"wer?\nwarum?\n")))
    assert [item.question for item in read_questions("-")] == ["wer?", "warum?"]


def test_a_batch_that_is_missing_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_questions(str(tmp_path / "none"))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="not UTF-8"):
        read_questions(str(tmp_path / "bytes"))

"""Files of questions and passages: their forms, what is skipped, what is refused, what is held out."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.datasets.question_passages import Pair, PairFile, PairSource, load_pairs, read_pairs
from index.errors import DataError
from qa.training.passage_pairs import read_labelled_pairs

FILES = {
    "header.tsv": 'id\tPassage\tQuestion\n1\tIn Dover.\twhere?\r\n2\tAt "ten.\twhen?\n',
    "plain.tsv": 'where?\tIn Dover.\n\nwhen?\tAt "ten.\n',
    "header.csv": 'question,passage\nwhere?,In Dover.\nwhen?,"At ""ten."\n',
    "plain.csv": 'where?,In Dover.\nwhen?,"At ""ten."\n',
    "lines.jsonl": '{"question": "where?", "passage": "In Dover."}\n\n'
    '{"passage": "At \\"ten.", "question": "when?", "id": 2}\n',
}
PAIRS = (Pair(question="where?", passage="In Dover."), Pair(question="when?", passage='At "ten.'))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_every_form_gives_the_same_pairs(name: str, packed: bool, tmp_path: Path) -> None:
    content = ("\ufeff" + FILES[name]).encode()
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read_pairs(path).pairs == PAIRS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    rows=st.lists(st.tuples(*[st.text(st.characters(codec="utf-8"), min_size=1)] * 2), min_size=1, max_size=5)
)
def test_whatever_a_csv_writer_wrote_is_read(rows: list[tuple[str, str]], tmp_path: Path) -> None:
    with (tmp_path / "x.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("question", "passage"), *rows])
    found = read_pairs(tmp_path / "x.csv")
    wanted = [(q.strip(), p.strip()) for q, p in rows if q.strip() and p.strip()]
    assert [(pair.question, pair.passage) for pair in found.pairs] == wanted


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "question\ttext\nx\ty\n", "names no passage"),
        ("a.csv", "one,two,three\n", "names no question and no passage among 3 columns"),
        ("a.csv", "alone\n", "among 1 columns"),
        ("a.tsv", "question\tpassage\nwhere?\n", "line 2: 1 columns are too few"),
        ("a.csv", 'question,passage\n"where?,x\n', "as a table"),
        ("a.jsonl", '{"question": "where?"}', "line 1: no 'passage'"),
        ("a.jsonl", '{"question": 1, "passage": "x"}', "line 1: no 'question'"),
        ("a.jsonl", "[1]\n", "line 1: no 'question'"),
        ("a.jsonl", "\n{", "line 2: not JSON"),
        ("a.xlsx", "", "of a kind that is not known"),
        ("a.tsv", "", "holds no question with a passage"),
        ("a.tsv", "question\tpassage\nwhere?\t \n", r"holds no question.*1 rows lack"),
    ],
)
def test_what_is_wrong_is_said(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        load_pairs([PairSource(path=str(tmp_path / name))], hold_out=0.0)
    assert name in str(caught.value)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*none\.tsv"):
        read_pairs(tmp_path / "none.tsv")
    (tmp_path / "bad.tsv.gz").write_bytes(b"\x1f\x8b rubbish")
    with pytest.raises(DataError, match=r"bad\.tsv\.gz cannot be read"):
        read_pairs(tmp_path / "bad.tsv.gz")


def test_empty_rows_are_counted_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("question\tpassage\nwhere?\tIn Dover.\nwhen?\t\n \tAt ten.\n", encoding="utf-8")
    data = load_pairs([PairSource(path=str(path))], hold_out=0.0)
    assert (data.reports[0].pairs, data.reports[0].empty) == (1, 2)
    with pytest.raises(DataError, match=r"2 rows lack.*first line 3"):
        load_pairs([PairSource(path=str(path))], hold_out=0.0, strict=True)


def test_sources_keep_their_weights_and_titles_fall_to_one_side() -> None:
    def read(path: str) -> PairFile:
        pairs = [
            Pair(question=f"{path} {n}?", passage=f"{path} {n}", title=f"title {n % 30}") for n in range(90)
        ]
        return PairFile(path=path, pairs=tuple(pairs))

    sources = [PairSource(path="a", weight=2.0), PairSource(path="b", weight=0.5)]
    data = load_pairs(sources, hold_out=0.3, read=read)
    assert {pair.title for pair in data.held_out} & {pair.title for pair in data.pairs} == set()
    assert len(data.pairs) + len(data.held_out) == 180
    assert data.held_out
    for pair, weight in zip(data.pairs, data.weights, strict=True):
        assert weight == (2.0 if pair.passage.startswith("a") else 0.5)
    with pytest.raises(DataError, match="no pair is left"):
        load_pairs([PairSource(path="a", weight=0.0)], hold_out=0.0, read=read)


def test_squad_questions_without_an_answer_are_no_pairs(tmp_path: Path) -> None:
    answers = [{"text": "Dover", "answer_start": 3}]
    qas = [
        {"id": "1", "question": " where? ", "answers": answers},
        {"id": "2", "question": "when?", "answers": []},
        {"id": "3", "question": " ", "answers": answers},
    ]
    content = {"data": [{"title": "t", "paragraphs": [{"context": "In Dover.", "qas": qas}]}]}
    path = tmp_path / "s.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    found = read_labelled_pairs(path)
    assert found.pairs == (Pair(question="where?", passage="In Dover.", title="t", answers=("Dover",)),)
    assert (found.unanswerable, found.empty) == (1, ("question 3",))
    (tmp_path / "p.tsv").write_text("where?\tIn Dover.\n", encoding="utf-8")
    assert len(read_labelled_pairs(tmp_path / "p.tsv").pairs) == 1

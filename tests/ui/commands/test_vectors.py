"""The workbench on the command line: forms that are relied on, pictures without anything from outside."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ingest.records import Span
from qa.explanation.pair_report import Reasons, explain_pair
from ui.cli import main
from ui.commands.explain import reasons_json
from ui.render.explain_html import attention_svg, png, reasons_page


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command line and gives its exit status, output and complaints."""

    def call(*words: object) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        found = capsys.readouterr()
        return status, found.out, found.err

    return call


Run = Callable[..., tuple[int, str, str]]


def test_words_and_sentences_have_the_form_relied_on(
    run: Run, tiny_bert_encoder: Path, tmp_path: Path
) -> None:
    (tmp_path / "pairs.txt").write_text("ship\tharbour\t9\nwind\tcourse\t3\nbus\ttown\t2\n")
    status, out, _ = run("eval", "words", tmp_path / "pairs.txt", "--encoder", tiny_bert_encoder, "--json")
    assert status == 0
    assert json.loads(out)["pairs.txt"].keys() == {"spearman", "pairs", "skipped"}
    args = ("eval", "sentences", tmp_path / "pairs.txt", "--encoder", tiny_bert_encoder)
    _, shown, _ = run(*args, "--layers", "all")
    assert re.findall(r"^(\d|mean) ", shown, re.M) == ["0", "1", "2", "mean"]
    status, _, err = run(*args, "--layers", "9")
    assert (status, "from 0 to 2" in err) == (2, True)


def test_embed_writes_what_it_says(run: Run, tiny_bert_encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a ship\n\nthe harbour\n")
    args = ("embed", tmp_path / "notes.txt", "--lines", "--encoder", tiny_bert_encoder, "--json")
    status, out, _ = run(*args, "--out", tmp_path / "x.npy")
    assert (status, json.loads(out)["rows"]) == (0, 2)
    assert np.load(tmp_path / "x.npy").shape == (2, 32)
    assert run(*args, "--out", tmp_path / "x.csv")[0] == 2
    assert run("embed", tmp_path / "none", "--out", tmp_path / "x.npy")[0] == 2


@pytest.fixture(scope="module")
def reasons(tiny_folder: Callable[[str, str], Path]) -> Reasons:
    encoder, reader = (str(tiny_folder("bert", task)) for task in ("encoder", "reader"))
    passage = 'introduced by <script>alert("1")</script> & Liu in 2019'
    start = passage.index("Liu")
    return explain_pair(
        "who <b>is</b> liu?",
        passage,
        encoder=encoder,
        reader=reader,
        answer=Span(start=start, end=start + 3),
    )


def test_the_page_is_whole_and_holds_no_markup_of_documents(reasons: Reasons) -> None:
    page = reasons_page(reasons)
    assert "<script" not in page
    assert "<b>" not in page
    assert not re.findall(r'(?:src|href)="(?!data:image/png;base64,)', page)
    assert page.count("<image") == 2 * 3  # two layers of two heads and their mean
    text = re.sub(r"<[^>]+>", "", page)
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; Liu" in text
    assert "<svg" in attention_svg(reasons.attention)


def test_a_heatmap_is_a_picture_of_its_weights() -> None:
    data = png(np.array([[0.0, 1.0], [0.25, 0.0]], np.float32))
    assert data.startswith(b"\x89PNG")
    start = data.index(b"IDAT") + 4
    rows = zlib.decompress(data[start : data.index(b"IEND") - 8])
    assert rows == bytes([0, 255, 0, 0, 127, 255]) or rows == bytes([0, 255, 0, 0, 128, 255])
    assert base64.b64encode(data)


def test_reasons_as_json_choose_layer_and_head(reasons: Reasons) -> None:
    n = len(reasons.attention.pieces)
    for layer, head, shape in ((None, None, (2, n, n)), (1, None, (n, n)), (2, 1, (n, n))):
        found = reasons_json(reasons, layer, head)
        assert np.array(found["attention"]["weights"]).shape == shape
    assert found["answer"]["text"] == "Liu"
    near = found["similarity"]
    total = sum(word["weight"] for word in near["passage"]["words"])
    assert near["cosine"] == pytest.approx(
        near["passage"]["baseline"] + near["passage"]["other"] + total, abs=0.05
    )


def test_explain_says_what_it_cannot_do(run: Run, tmp_path: Path) -> None:
    asked = ("explain", "who?", "--passage", "Liu wrote it.")
    assert "known kind" in run(*asked, "--out", tmp_path / "x.png")[2]
    assert "does not stand" in run(*asked, "--answer", "Devlin")[2]
    assert run("explain", "who?", "--store", tmp_path / "none")[0] == 2

"""Classifiers: labelled files, three forms of training, what is loaded again, figures worked out by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from index.checkpoints.engine_names import prefer
from index.datasets.labelled_texts import ExampleSource, load_examples, read_examples
from index.datasets.setting_types import checked
from index.errors import DataError, ModelError, ModelMismatch
from index.evaluation.classification import evaluate_classifier, label_report
from index.models.classifier import Classifier, LinearClassifier, best_labels, load_classifier
from index.models.lora import ADAPTER
from index.training.linear_head import one_of
from index.training.settings import ClassifierTraining, LoopSettings
from index.training.train_classifier import TrainedClassifier, train_classifier

TinyFolder = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No engine is measured, and no folder outside the test's is written."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    prefer("torch-fp32")
    yield
    prefer(None)


@pytest.fixture
def ships(tmp_path: Path) -> str:
    """64 short texts of two kinds."""
    rows = [f"the ship in harbour {n},ship\nwho introduced masking {n},mask" for n in range(32)]
    path = tmp_path / "ships.csv"
    path.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    return str(path)


class TestFiles:
    def read(
        self, tmp_path: Path, name: str, lines: str, **columns: str
    ) -> list[tuple[tuple[str, ...], str]]:
        path = tmp_path / name
        content = lines.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        found = read_examples(ExampleSource(path=str(path), **columns))  # type: ignore[arg-type]
        return [(example.texts, example.label) for example in found.examples]

    def test_forms(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, "a.csv", 'Category,Sentence\nx,"a, b"\n') == [(("a, b",), "x")]
        assert self.read(tmp_path, "a.tsv", "one\tA\ntwo\tB\n") == [(("one",), "A"), (("two",), "B")]
        sick = (
            "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n6\ta\tb\t3\tNEUTRAL\n"
        )
        assert self.read(tmp_path, "sick.txt.gz", sick) == [(("a", "b"), "NEUTRAL")]
        line = json.dumps({"premise": "p", "hypothesis": "h", "label": 1})
        assert self.read(tmp_path, "a.jsonl", line) == [(("p", "h"), "1")]
        assert self.read(tmp_path, "b.csv", "w,body\nx,t\n", text="body", label="w") == [(("t",), "x")]

    def test_renamed_left_out_and_counted(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("text,label\na,0\nb,1\nc,2\n,1\n")
        labels = {"0": "no", "1": "yes|maybe", "2": ""}
        data = load_examples([ExampleSource(path=str(path), labels=labels)], hold_out=0.0)
        assert data.labels == ("maybe", "no", "yes")
        assert data.examples[1].labels == ("yes", "maybe")
        assert data.reports[0].empty == 1
        with pytest.raises(DataError, match="1 rows lack a text or a label, first line 5"):
            load_examples([ExampleSource(path=str(path), labels=labels)], hold_out=0.0, strict=True)

    @pytest.mark.parametrize(
        ("text", "columns", "says"),
        [
            ("text,kind\na,b\n", {"label": "other"}, "no column 'other' for the label among text, kind"),
            ("a,b,c\n1,2,3\n", {}, "no column for the text among a, b, c"),
            ("text,label\na\n", {}, "line 2: 1 columns are too few"),
            ("text,label\n,\n", {}, "holds no text with a label"),
        ],
    )
    def test_what_cannot_be_read(self, tmp_path: Path, text: str, columns: dict[str, str], says: str) -> None:
        with pytest.raises(DataError, match=says):
            self.read(tmp_path, "a.csv", text, **columns)

    def test_one_label_is_no_choice(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("text,label\na,x\nb,x\n")
        with pytest.raises(DataError, match="all 2 examples bear the label 'x'"):
            load_examples([ExampleSource(path=str(tmp_path / "a.csv"))], hold_out=0.0)

    def test_a_wrong_setting_is_named(self) -> None:
        with pytest.raises(DataError, match=r"cards\.toml: method"):
            checked(ClassifierTraining, {"sources": [{"path": "a"}], "method": "guess"}, where="cards.toml")


def settings(path: str, start: Path, **more: object) -> ClassifierTraining:
    loop = LoopSettings(learning_rate=5e-3, evaluations=0, checkpoint_minutes=99)
    source = ExampleSource(path=path)
    return ClassifierTraining(sources=(source,), start=str(start), loop=loop, batch=16, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["roberta", "bert"])
def test_fine_tuned_is_what_transformers_loads(
    family: str, tiny_folder: TinyFolder, ships: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = settings(ships, tiny_folder(family, "encoder"), method="fine-tune", epochs=0.5)
    trained = train_classifier(given, out)
    ours = load_classifier(str(out))
    same_figures(trained, ours)
    theirs = AutoModelForSequenceClassification.from_pretrained(out, dtype=torch.float32).eval()
    tokenizer = ours._model.tokenizer  # type: ignore[attr-defined]
    text = "who introduced masking 99"
    ids = [*tokenizer.single.before, *tokenizer.encode(text).ids, *tokenizer.single.after]
    with torch.inference_mode():
        wanted = theirs(input_ids=torch.tensor([ids])).logits.softmax(-1)[0].numpy()
    assert np.allclose(ours.probabilities([(text,)])[0], wanted, atol=1e-5)
    card = (out / "MODEL_CARD.md").read_text()
    assert "True labels in rows" in card
    assert "| **mask** |" in card


def same_figures(trained: TrainedClassifier, loaded: Classifier) -> None:
    """What was written judges as what was trained."""
    assert trained.report is not None
    again = evaluate_classifier(trained.data.held_out, loaded)
    assert again.confusion.tolist() == trained.report.confusion.tolist()
    assert again.ece == pytest.approx(trained.report.ece, abs=5e-3)


def test_adapters_are_the_trained_model_and_know_their_base(
    tiny_folder: TinyFolder, ships: str, tmp_path: Path
) -> None:
    base, out = tiny_folder("roberta", "encoder"), tmp_path / "out"
    given = settings(ships, base, method="fine-tune", adapter=4, epochs=2.0, dropout=0.0, hold_out=0.3)
    trained = train_classifier(given, out)
    assert trained.method == "adapter"
    assert (out / ADAPTER).stat().st_size < (base / "model.safetensors").stat().st_size
    assert not (out / "model.safetensors").exists()
    same_figures(trained, load_classifier(str(out)))
    facts = json.loads((out / "classifier.json").read_text())
    (out / "classifier.json").write_text(json.dumps({**facts, "fingerprint": "other"}))
    with pytest.raises(ModelMismatch, match="belongs to other weights"):
        load_classifier(str(out))


def test_a_linear_head_for_few_texts(tiny_folder: TinyFolder, ships: str, tmp_path: Path) -> None:
    trained = train_classifier(settings(ships, tiny_folder("roberta", "encoder")), tmp_path / "out")
    assert trained.method == "linear"
    assert trained.report is not None
    assert trained.report.accuracy == 1.0
    ours = load_classifier(str(tmp_path / "out"))
    assert isinstance(ours, LinearClassifier)
    long = "the ship in harbour " * 40  # longer than the window: judged in pieces
    given = ours.probabilities([("the ship in harbour 7",), (long,)])
    assert [item.label for item in best_labels(ours.labels, given)] == ["ship", "ship"]
    with pytest.raises(ModelError, match="judges single texts"):
        ours.probabilities([("a", "b")])


def test_pairs_are_learnt_and_one_of_two_labels_is_right(tiny_folder: TinyFolder, tmp_path: Path) -> None:
    rows = [
        {
            "text": f"ship {n}",
            "second": "harbour" if n % 2 else "mask",
            "label": "yes" if n % 2 else "no|never",
        }
        for n in range(32)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    start = tiny_folder("roberta", "encoder")
    given = settings(
        str(path), start, method="fine-tune", hold_out=0.0, epochs=40.0, embeddings=True, dropout=0.0
    )
    trained = train_classifier(given, tmp_path / "out")
    assert trained.report is None
    assert trained.data.labels == ("never", "no", "yes")
    ours = load_classifier(str(tmp_path / "out"))
    report = evaluate_classifier(trained.data.examples, ours)
    assert report.accuracy == 1.0
    ours.probabilities([("ship " * 200, "mask")])
    assert ours.truncated == 1  # type: ignore[attr-defined]


def test_the_loss_of_a_text_that_is_one_of_two() -> None:
    logits = torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.0, -1.0]])
    loss = one_of(logits, torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
    likely = logits.softmax(-1)
    assert loss[0] == pytest.approx(-np.log(2 / 3))
    assert loss[1] == pytest.approx(-np.log(float(likely[1, 0])))


def test_figures_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]], dtype=np.float32)
    report = label_report(["a", "b"], [("a",), ("b",), ("b",), ("a", "b")], probabilities)
    assert report.accuracy == 0.75
    assert report.confusion.tolist() == [[1, 0], [1, 2]]
    a, b = report.scores
    assert (a.precision, a.recall, a.support) == (0.5, 1.0, 1)
    assert [b.precision, b.recall] == pytest.approx([1.0, 2 / 3])
    assert report.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
    # In bins: .9 right, .6 wrong, .8 right, .7 right.
    assert report.ece == pytest.approx((0.1 + 0.6 + 0.2 + 0.3) / 4)
    assert report.confused() == [("b", "a", 1)]

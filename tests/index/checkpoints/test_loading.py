"""Loading checkpoints: every family and both roles, and everything that must be refused by name."""

from __future__ import annotations

import json
import shutil
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from huggingface_hub import constants
from tokenizers import Tokenizer

from index.checkpoints.files import Task
from index.checkpoints.presets import (
    DEFAULT_CHOICE,
    PRESETS,
    ModelChoice,
    Prefixes,
    models_folder,
    resolve_models,
)
from index.engines.batching import run_in_batches
from index.engines.load import load_model
from index.engines.torch_engine import TorchEngine, keep_freed_memory
from index.errors import ModelError, ModelNotFound
from index.protocols import TokenIds
from ingest.text.tokenizer import Frame

TinyFolder = Callable[[str, str], Path]
FAMILIES = ("roberta", "bert", "xlm-roberta")


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[Path], Path]:
    """A folder that a test may write into."""

    def make(folder: Path) -> Path:
        target = tmp_path / "model"
        shutil.copytree(folder, target)
        return target

    return make


def write(folder: Path, name: str, content: Any) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reader_gives_the_logits_of_plain_transformers(tiny_folder: TinyFolder, family: str) -> None:
    folder = tiny_folder(family, "reader")
    loaded = load_model(str(folder), "reader", engine="torch-fp32")
    question, context = "When does the bus leave?", "The bus leaves the harbour at eight."
    tokenizer, frame = loaded.tokenizer, loaded.tokenizer.pair
    a, b = tokenizer.encode_ids([question, context])
    ids = np.array([*frame.before, *a, *frame.between, *b, *frame.after], dtype=np.int64)

    reference = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(question, context)
    assert ids.tolist() == reference.ids
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32).eval()
    segments = {"token_type_ids": torch.tensor([reference.type_ids])} if family == "bert" else {}
    with torch.inference_mode():
        expected = model(input_ids=torch.tensor([reference.ids]), **segments)

    # A longer neighbour in the batch must change nothing.
    other = np.concatenate([ids, ids[-3:]])
    ((_, outputs),) = [item for item in loaded.engine.run([ids, other]) if not item[0]]
    assert len(outputs) == 2
    np.testing.assert_allclose(outputs[0], expected.start_logits[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(outputs[1], expected.end_logits[0].numpy(), atol=1e-5)


def test_bert_segments_change_the_answer(tiny_bert_reader: Path) -> None:
    """Guards the test above: without segment numbers BERT gives other logits."""
    loaded = load_model(str(tiny_bert_reader), "reader", engine="torch-fp32")
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(tiny_bert_reader, dtype=torch.float32)
    blind = TorchEngine(model, ("start_logits",), pad_id=0)
    asked = [np.array([2, 10, 11, 3, 12, 13, 3])]
    ((_, seeing),), ((_, unseeing),) = loaded.engine.run(asked), blind.run(asked)
    assert np.abs(seeing[0] - unseeing[0]).max() > 1e-3


@pytest.mark.parametrize(("family", "window"), [("roberta", 64), ("xlm-roberta", 64), ("bert", 66)])
def test_the_window_is_what_the_position_table_can_hold(
    tiny_folder: TinyFolder, family: str, window: int
) -> None:
    loaded = load_model(str(tiny_folder(family, "encoder")), "encoder", engine="torch-fp32")
    assert (loaded.max_tokens, loaded.dimension) == (window, 32)
    full = np.full(window, 7, dtype=np.int64)
    ((_, (hidden,)),) = loaded.engine.run([full])
    assert hidden.shape == (window, 32)
    with pytest.raises((IndexError, RuntimeError)):
        list(loaded.engine.run([np.append(full, 7)]))


@pytest.mark.parametrize("task", ["encoder", "reader"])
def test_the_bundled_models_load(task: Task) -> None:
    loaded = load_model("pocket", task, engine="torch-fp32")
    assert loaded.name == "pocket"
    assert loaded.dimension == 384
    assert loaded.max_tokens == {"encoder": 256, "reader": 512}[task]
    assert loaded.pooling == "mean"
    assert loaded.prefixes == Prefixes()


def test_a_reader_without_a_trained_head_is_refused(tiny_roberta_encoder: Path) -> None:
    with pytest.raises(ModelError, match=r"no question-answering head: .*qa_outputs") as caught:
        load_model(str(tiny_roberta_encoder), "reader")
    assert "SQuAD" in caught.value.hint


def test_a_reader_serves_as_encoder_without_its_head(tiny_roberta_reader: Path) -> None:
    assert load_model(str(tiny_roberta_reader), "encoder").dimension == 32


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(
    tiny_roberta_encoder: Path, copy: Callable[[Path], Path], missing: str
) -> None:
    folder = copy(tiny_roberta_encoder)
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=f"lacks {missing}"):
        load_model(str(folder), "encoder")


def test_a_pickle_is_not_read(tiny_roberta_encoder: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(tiny_roberta_encoder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"lacks model\.safetensors") as caught:
        load_model(str(folder), "encoder")
    assert "pytorch_model.bin" in caught.value.hint


def test_damaged_files_are_named(tiny_roberta_encoder: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(tiny_roberta_encoder)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelError, match="cannot be loaded as encoder"):
        load_model(str(folder), "encoder")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="tokenizer"):
        load_model(str(folder), "encoder")


def test_weights_that_do_not_fill_the_model_are_refused(
    tiny_roberta_encoder: Path, copy: Callable[[Path], Path]
) -> None:
    folder = copy(tiny_roberta_encoder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    write(folder, "config.json", config | {"num_hidden_layers": 3})
    with pytest.raises(ModelError, match=r"do not fill the encoder.*layer\.2"):
        load_model(str(folder), "encoder")


def test_remote_code_is_never_run(tiny_roberta_encoder: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(tiny_roberta_encoder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    classes = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    write(folder, "config.json", config | {"auto_map": classes, "model_type": "evil"})
    (folder / "evil.py").write_text("raise SystemExit('remote code was run')", encoding="utf-8")
    with pytest.raises(ModelError):
        load_model(str(folder), "encoder")


def test_sentence_transformers_files_are_followed(
    tiny_xlmr_encoder: Path, copy: Callable[[Path], Path]
) -> None:
    folder = copy(tiny_xlmr_encoder)
    plain = load_model(str(folder), "encoder")
    modules = [{"path": "", "type": "x.Transformer"}, {"path": "1_Pooling", "type": "x.Pooling"}]
    write(folder, "modules.json", modules)
    write(
        folder, "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    )
    write(folder, "sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": False})
    prompts = {"query": "query: ", "document": "passage: "}
    write(folder, "config_sentence_transformers.json", {"prompts": prompts})
    loaded = load_model(str(folder), "encoder")
    assert loaded.pooling == "cls"
    assert loaded.max_tokens == 32
    assert loaded.prefixes == Prefixes(query="query: ", passage="passage: ")
    assert loaded.fingerprint != plain.fingerprint

    write(folder, "1_Pooling/config.json", {"pooling_mode_max_tokens": True})
    with pytest.raises(ModelError, match="pooling by max_tokens"):
        load_model(str(folder), "encoder")
    write(folder, "modules.json", [*modules[:1], {"path": "2_Dense", "type": "x.Dense"}])
    with pytest.raises(ModelError, match="Dense"):
        load_model(str(folder), "encoder")


def test_slow_tokenizer_files_are_enough(tiny_roberta_reader: Path, copy: Callable[[Path], Path]) -> None:
    folder = copy(tiny_roberta_reader)
    expected = load_model(str(folder), "reader").tokenizer.encode("The ship's log, the harbour")
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    (folder / "tokenizer.json").unlink()
    write(folder, "vocab.json", model["vocab"])
    merges = "\n".join(" ".join(pair) for pair in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    write(folder, "tokenizer_config.json", {"tokenizer_class": "RobertaTokenizer"})
    loaded = load_model(str(folder), "reader").tokenizer
    found = loaded.encode("The ship's log, the harbour")
    assert found.ids.tolist() == expected.ids.tolist()
    assert found.offsets.tolist() == expected.offsets.tolist()
    assert loaded.pair.between == (2, 2)


def test_a_sentencepiece_file_is_enough(tmp_path: Path) -> None:
    """As in the multilingual preset's reader, which has no tokenizer.json."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import sentencepiece
    lines = ["The ship left the harbour at eight.", "The bus leaves the town at nine.", "Who left?"] * 5
    with (tmp_path / "sentencepiece.bpe.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=file,
            vocab_size=28,
            model_type="unigram",
            minloglevel=2,
        )
    config = transformers.XLMRobertaConfig(
        vocab_size=30,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=66,
    )
    transformers.XLMRobertaForQuestionAnswering(config).save_pretrained(tmp_path)
    write(tmp_path, "tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizer"})
    tokenizer = load_model(str(tmp_path), "reader").tokenizer
    assert tokenizer.pair == Frame(before=(0,), between=(2, 2), after=(2,))
    tokens = tokenizer.encode("the harbour")
    assert tokenizer.vocabulary_size <= 30
    assert tokens.offsets[0, 0] == 0
    assert tokens.offsets[-1, 1] == len("the harbour")
    assert tokenizer.unknown_share("谁") > 0


@pytest.fixture
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty hub cache, and no network."""
    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return cache


def put_in_cache(cache: Path, name: str, folder: Path) -> Path:
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.parent.mkdir(parents=True)
    shutil.copytree(folder, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    return snapshot


def test_a_hub_id_is_found_in_the_cache_offline(hub_cache: Path, tiny_xlmr_encoder: Path) -> None:
    put_in_cache(hub_cache, "someone/encoder", tiny_xlmr_encoder)
    loaded = load_model("someone/encoder", "encoder")
    assert loaded.name == "someone/encoder"
    assert loaded.fingerprint == load_model(str(tiny_xlmr_encoder), "encoder").fingerprint


def test_a_preset_is_found_in_the_cache_with_its_prefixes(hub_cache: Path, tiny_xlmr_encoder: Path) -> None:
    put_in_cache(hub_cache, PRESETS["multilingual"].encoder, tiny_xlmr_encoder)
    loaded = load_model("multilingual", "encoder")
    assert loaded.name == "multilingual"
    assert loaded.prefixes == Prefixes(query="query: ", passage="passage: ")


def test_offline_says_what_was_looked_for_and_where(hub_cache: Path, tiny_bert_reader: Path) -> None:
    with pytest.raises(ModelNotFound, match="roberta-base-squad2 is not in the cache") as caught:
        load_model("base", "reader")
    assert str(hub_cache) in str(caught.value)
    assert "HF_HUB_OFFLINE" in str(caught.value)
    assert "pocket" in caught.value.hint
    (put_in_cache(hub_cache, "a/b", tiny_bert_reader) / "tokenizer.json").unlink()
    with pytest.raises(ModelNotFound, match=r"a/b lacks tokenizer\.json"):
        load_model("a/b", "reader")


@pytest.mark.usefixtures("hub_cache")
@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "not a name!", "a/b/c"])
def test_a_name_that_is_nothing(name: str) -> None:
    with pytest.raises(ModelNotFound):
        load_model(name, "encoder")


def test_resolve_models() -> None:
    assert resolve_models(None) == resolve_models("pocket") == DEFAULT_CHOICE
    assert resolve_models("base") == ModelChoice(encoder="base", reader="base")
    assert resolve_models("base, ./mine") == ModelChoice(encoder="base", reader="./mine")
    assert resolve_models(",large") == ModelChoice(encoder="pocket", reader="large")
    stored = ModelChoice(encoder="e", reader="r")
    assert resolve_models("x/y,", default=stored) == ModelChoice(encoder="x/y", reader="r")
    assert resolve_models("", default=stored) == stored
    with pytest.raises(ModelNotFound, match="no preset 'tiny'"):
        resolve_models("tiny")


def test_bundled_presets_are_all_there() -> None:
    for preset in PRESETS.values():
        if preset.bundled:
            for source in (preset.encoder, preset.reader):
                assert (models_folder() / source / "model.safetensors").is_file()


def test_the_wheel_names_every_package() -> None:
    """`packages` in pyproject.toml is a literal list, because `data` is mapped to `spanwise_data`."""
    root = Path(__file__).parents[3]
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    found = {
        ".".join(init.parent.relative_to(root).parts)
        for package in ("ingest", "index", "qa", "ui")
        for init in (root / package).rglob("__init__.py")
    }
    assert set(settings["packages"]) == found | {"spanwise_data"}
    assert settings["package-data"]["spanwise_data"] == ["**/*"]


def test_loading_says_nothing(tiny_roberta_reader: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_model(str(tiny_roberta_reader), "encoder")
    assert capfd.readouterr() == ("", "")


class CountingEngine:
    """Gives each id back as its output and remembers the shapes it was given."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run_batch(self, input_ids: TokenIds, attention_mask: TokenIds) -> tuple[np.ndarray[Any, Any], ...]:
        self.shapes.append(input_ids.shape)
        assert ((input_ids == -1) == (attention_mask == 0)).all()
        return (input_ids.astype(np.float32),)


def test_batches_keep_the_budget_and_lose_nothing() -> None:
    lengths = [3, 50, 1, 7, 7, 120, 2, 30]
    sequences = [np.full(length, index, dtype=np.int64) for index, length in enumerate(lengths)]
    engine = CountingEngine()
    results = dict(run_in_batches(engine.run_batch, sequences, pad_id=-1, token_budget=100))
    assert sorted(results) == list(range(len(lengths)))
    for index, (output,) in results.items():
        assert output.tolist() == [index] * lengths[index]
    assert all(rows == 1 or rows * columns <= 100 for rows, columns in engine.shapes)
    assert (1, 120) in engine.shapes
    assert list(run_in_batches(engine.run_batch, [], pad_id=-1)) == []
    with pytest.raises(ValueError, match="without tokens"):
        list(run_in_batches(engine.run_batch, [np.array([], dtype=np.int64)], pad_id=-1))


def test_memory_settings_are_harmless_to_repeat() -> None:
    assert keep_freed_memory() == keep_freed_memory()

"""Other programs doing the same work with the same weights: what the benchmarks compare with.

    haystack               the extractive reader of Haystack (transformers-haystack), its default settings
    plain                  the loop that most programs hold: transformers, all windows padded, one batch
    sentence-transformers  `SentenceTransformer.encode`, its default settings

All of them in float32 on the processor, as they do by default; weights that are stored in 16 bits are widened
when they are loaded, and those that are stored small are copied plain into the cache first. They are optional
and are loaded by name.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from index.checkpoints.compact import is_compact, weight_digests
from index.checkpoints.hub import WEIGHTS, locate
from index.checkpoints.weights import cached_folder
from index.checkpoints.write_compact import write_plain
from index.protocols import Vectors

PACKAGES = ("sentence-transformers", "transformers-haystack", "haystack-ai")
ReadPassages = Callable[[str, Sequence[str]], str]
EncodePassages = Callable[[Sequence[str]], Vectors]

_LENGTH, _STRIDE, _LONGEST = 384, 128, 30


def installed() -> dict[str, str]:
    """The versions of those peers that are here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def encoders_installed() -> bool:
    """Whether there is a peer that encodes."""
    return find_spec("sentence_transformers") is not None


def readers(model: str) -> dict[str, ReadPassages]:
    """The peers that read, by name, each with the weights of the reader `model`; the best span's text."""
    folder = _plain_copy(locate(model, "reader")[1])
    found: dict[str, ReadPassages] = {}
    if find_spec("haystack_integrations") is not None:
        found["haystack"] = _haystack(folder)
    found["plain"] = _plain(folder)
    return found


def encoders(model: str) -> dict[str, EncodePassages]:
    """The peers that encode, by name, each with the weights of the encoder `model`; unit rows."""
    if not encoders_installed():
        return {}
    return {"sentence-transformers": _sentence_transformers(_plain_copy(locate(model, "encoder")[1]))}


def _plain_copy(folder: Path) -> Path:
    """The folder of a checkpoint as others load it: a copy in the cache where it is stored small."""
    if not is_compact(folder):
        return folder
    digest = b"".join(weight_digests(folder)).hex()[:24]
    return cached_folder(f"plain/{folder.name}-{digest}", WEIGHTS, lambda draft: write_plain(folder, draft))


def _haystack(folder: Path) -> ReadPassages:
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
    torch, haystack = import_module("torch"), import_module("haystack")
    module = import_module("haystack_integrations.components.readers.transformers")
    utils = import_module("haystack.utils")
    reader = module.TransformersExtractiveReader(
        model=str(folder),
        device=utils.ComponentDevice.from_str("cpu"),
        model_kwargs={"dtype": torch.float32},
    )
    reader.warm_up()

    def read(question: str, passages: Sequence[str]) -> str:
        documents = [haystack.Document(content=text) for text in passages]
        answers = reader.run(query=question, documents=documents)["answers"]
        return next((str(answer.data) for answer in answers if answer.data), "")

    return read


def _plain(folder: Path) -> ReadPassages:
    torch, transformers = import_module("torch"), import_module("transformers")
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

    def read(question: str, passages: Sequence[str]) -> str:
        batch = tokenizer(
            [question] * len(passages),
            list(passages),
            padding="max_length",
            truncation="only_second",
            max_length=_LENGTH,
            stride=_STRIDE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        sample, offsets = batch.pop("overflow_to_sample_mapping"), batch.pop("offset_mapping")
        inside = torch.tensor([[side == 1 for side in batch.sequence_ids(row)] for row in range(len(sample))])
        with torch.inference_mode():
            output = model(**batch)
        spans = output.start_logits[:, :, None] + output.end_logits[:, None, :]
        allowed = torch.ones(spans.shape[1:], dtype=torch.bool).triu().tril(_LONGEST - 1)
        spans = spans.masked_fill(~(allowed & inside[:, :, None] & inside[:, None, :]), float("-inf"))
        row, place = divmod(int(spans.argmax()), spans.shape[1] * spans.shape[2])
        start, end = divmod(place, spans.shape[2])
        return passages[int(sample[row])][int(offsets[row, start, 0]) : int(offsets[row, end, 1])]

    return read


def _sentence_transformers(folder: Path) -> EncodePassages:
    torch, library = import_module("torch"), import_module("sentence_transformers")
    model = library.SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})

    def encode(texts: Sequence[str]) -> Vectors:
        vectors: Vectors = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return vectors

    return encode


def ingest_plainly(model: str, files: Sequence[str], folder: Path) -> dict[str, float]:
    """What a script of twenty lines does: our passages of `files`, their vectors, a FAISS index, a JSON file.

    `seconds` are from the first file to the written index; libraries and weights are loaded before.
    """
    from index.models.encoder import load_encoder
    from ingest.chunking.split import ChunkSettings, embedding_text, split
    from ingest.conversion.parser_pool import ingest_paths
    from ingest.records import Document

    faiss, encode = import_module("faiss"), encoders(model)["sentence-transformers"]
    encoder = load_encoder(model, engine="onnx-fp32")  # only its tokens are used, to cut passages
    encode(["loaded and warm"])
    settings = ChunkSettings.for_window(encoder.passage_room, special_tokens=0)
    began = time.perf_counter()
    documents = [item for item in ingest_paths(files) if isinstance(item, Document)]
    texts = [
        embedding_text(document.title, passage.headings, passage.text)
        for document in documents
        for passage in split(document, encoder.tokenizer, settings)
    ]
    index = faiss.IndexFlatIP(encoder.dimension)
    index.add(encode(texts))
    faiss.write_index(index, str(folder / "plain.faiss"))
    (folder / "plain.json").write_text(json.dumps(texts), encoding="utf-8")
    return {"passages": len(texts), "seconds": time.perf_counter() - began}


if __name__ == "__main__":  # a process of its own, so that its memory and time are its own
    model, folder, *files = sys.argv[1:]
    sys.stdout.write(json.dumps(ingest_plainly(model, files, Path(folder))) + "\n")

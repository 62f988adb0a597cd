"""A checkpoint with fewer pieces: those that texts need, and every single character.

    python -m index.training.vocabulary FOLDER OUT --texts FILE... --words FILE... [--least 20 --first 60000]

texts -> pieces counted with the checkpoint's own tokenizer -> kept ids -> tokenizer, config and word table
without the rest. A unigram vocabulary spells a word whose piece is gone with smaller ones, in the end with
characters, so no text becomes unknown that was not; it becomes longer. Texts are files, archives (zip, tar)
or JSON, packed or not; files of words hold one a line, with a tab and a number of occurrences.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from index.checkpoints.architecture import FIRST_WORD
from index.checkpoints.compact import plain_weights
from index.checkpoints.files import read_folder
from index.datasets import row_files
from index.errors import DataError
from ingest.errors import exit_with_message
from ingest.text.tokenizer import TextTokenizer

_SPACE = "▁"
_LINE = 2000
_BATCH = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A text before and after: the share of its tokens that are unknown, and how much longer it became."""

    name: str
    unknown_before: float
    unknown_after: float
    longer: float


def count_pieces(tokenizer: TextTokenizer, texts: Iterable[str]) -> Counter[int]:
    """How often each id stands in the texts."""
    counts: Counter[int] = Counter()
    for batch in _batches(_lines(texts)):
        for ids in tokenizer.encode_ids(batch):
            counts.update(map(int, ids))
    return counts


def kept_ids(tokenizer: dict[str, Any], counts: Counter[int], *, least: int, first: int = 0) -> list[int]:
    """The ids to keep, in their order: special ones, single characters, and what was counted `least` times.

    The `first` pieces stay too: a vocabulary begins with the likeliest, so they serve the languages of which
    no text was counted. `tokenizer` is the content of a unigram `tokenizer.json`; raises DataError for
    another kind.
    """
    if tokenizer["model"]["type"] != "Unigram":
        raise DataError(
            f"a vocabulary of the kind {tokenizer['model']['type']} is not cut",
            hint="only unigram ones (SentencePiece) spell every word without the pieces that are gone",
        )
    special = {int(token["id"]) for token in tokenizer["added_tokens"]}
    return [
        number
        for number, (piece, _) in enumerate(tokenizer["model"]["vocab"])
        if number < first
        or number in special
        or number == tokenizer["model"]["unk_id"]
        or len(piece.removeprefix(_SPACE)) <= 1
        or counts[number] >= least
    ] + sorted(number for number in special if number >= len(tokenizer["model"]["vocab"]))


def cut_tokenizer(tokenizer: dict[str, Any], kept: Sequence[int]) -> dict[str, Any]:
    """The content of a `tokenizer.json` with these ids alone, numbered anew in their order."""
    new = {old: number for number, old in enumerate(kept)}
    model = tokenizer["model"]
    vocabulary = [model["vocab"][old] for old in kept if old < len(model["vocab"])]
    made = dict(tokenizer)
    made["model"] = {**model, "vocab": vocabulary, "unk_id": new[model["unk_id"]]}
    made["added_tokens"] = [{**token, "id": new[token["id"]]} for token in tokenizer["added_tokens"]]
    framing = tokenizer["post_processor"]
    made["post_processor"] = {
        **framing,
        "special_tokens": {
            name: {**token, "ids": [new[old] for old in token["ids"]]}
            for name, token in framing["special_tokens"].items()
        },
    }
    return made


def cut_folder(folder: Path, out: Path, kept: Sequence[int]) -> None:
    """Write the checkpoint with these ids alone: tokenizer, config and word table; the rest as it is."""
    shutil.copytree(
        folder, out, ignore=shutil.ignore_patterns("model*.safetensors", "tokenizer.json"), dirs_exist_ok=True
    )
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    made = cut_tokenizer(tokenizer, kept)
    (out / "tokenizer.json").write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
    new = {old: number for number, old in enumerate(kept)}
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    numbers = {
        key: new[config[key]] for key in ("pad_token_id", "bos_token_id", "eos_token_id") if key in config
    }
    config |= {"vocab_size": len(kept), **numbers}
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    weights: dict[str, NDArray[Any]] = plain_weights(folder)
    for name in weights:
        if name.endswith(FIRST_WORD):
            weights[name] = np.ascontiguousarray(weights[name][np.asarray(kept)])
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})


def coverage(name: str, texts: Sequence[str], before: TextTokenizer, after: TextTokenizer) -> Coverage:
    """What cutting did to some texts, which hold at least one token."""
    lengths: list[int] = []
    unknown: list[float] = []
    for tokenizer in (before, after):
        ids = np.concatenate(tokenizer.encode_ids(list(_lines(texts))))
        lengths.append(len(ids))
        unknown.append(float((ids == tokenizer.unk_id).mean()))
    return Coverage(
        name=name,
        unknown_before=unknown[0],
        unknown_after=unknown[1],
        longer=lengths[1] / lengths[0] - 1,
    )


# -- texts of files -----------------------------------------------------------------------------------------


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """(name, text) of each file in an archive, or of the file itself; raises DataError where it is none."""
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if not name.endswith("/"):
                        yield from _text(name, archive.read(name))
        elif tarfile.is_tarfile(path):
            with tarfile.open(path) as archive:
                for member in archive:
                    file = archive.extractfile(member) if member.isfile() else None
                    if file is not None:
                        yield from _text(member.name, file.read())
        else:
            content = path.read_bytes()
            packed = content[:2] == b"\x1f\x8b"
            yield from _text(path.name, gzip.decompress(content) if packed else content)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", hint="give texts or archives of texts") from error


def _text(name: str, content: bytes) -> Iterator[tuple[str, str]]:
    """The text of a file, nothing of one that holds none."""
    if b"\0" in content[:4096]:
        return
    text = content.decode("utf-8", errors="replace")
    if name.removesuffix(".gz").endswith((".json", ".jsonl")):
        parts = text.splitlines() if ".jsonl" in name else [text]
        text = "\n".join(string for part in parts if part for string in _strings(json.loads(part)))
    yield name, text.replace("\ufffd", " ")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for line in text.splitlines():
            for start in range(0, len(line), _LINE):
                yield line[start : start + _LINE]


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _words(path: Path) -> Iterator[tuple[str, int]]:
    for where, line in row_files.lines(path):
        word, _, count = line.partition("\t")
        if count and not count.strip().isdigit():
            raise DataError(
                f"{path}, {where}: {count!r} is no number of occurrences", hint="write WORD, tab, NUMBER"
            )
        yield word, int(count or 1)


def _count_words(tokenizer: TextTokenizer, words: Collection[tuple[str, int]]) -> Counter[int]:
    counts: Counter[int] = Counter()
    spelt = tokenizer.encode_ids([word for word, _ in words])
    for ids, (_, count) in zip(spelt, words, strict=True):
        for number in ids:
            counts[int(number)] += count
    return counts


def main() -> None:
    """Count, cut, and say on standard error what was kept and what it did to each text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the checkpoint, with a unigram tokenizer.json")
    parser.add_argument("out", type=Path, help="the folder of the result")
    parser.add_argument("--texts", type=Path, nargs="+", default=[], help="texts whose pieces are counted")
    parser.add_argument("--words", type=Path, nargs="+", default=[], help="words, one a line, likewise")
    parser.add_argument("--least", type=int, default=2, help="keep what was counted so often (2)")
    parser.add_argument("--first", type=int, default=0, help="keep so many of the first pieces anyway (0)")
    parser.add_argument(
        "--report", type=Path, nargs="*", default=[], help="texts to compare before and after"
    )
    flags = parser.parse_args()
    if not (flags.texts or flags.words):
        parser.error("give --texts or --words: nothing but characters would be kept")
    before = read_folder(str(flags.folder.resolve()), "encoder").tokenizer
    counts: Counter[int] = Counter()
    for path in flags.texts:
        counts += count_pieces(before, (text for _, text in texts_of(path)))
    for path in flags.words:
        counts += _count_words(before, list(_words(path)))
    content = json.loads((flags.folder / "tokenizer.json").read_text(encoding="utf-8"))
    kept = kept_ids(content, counts, least=flags.least, first=flags.first)
    cut_folder(flags.folder, flags.out, kept)
    sys.stderr.write(f"{len(kept):,} of {before.vocabulary_size:,} pieces kept\n")
    after = TextTokenizer.from_file(flags.out / "tokenizer.json")
    for path in flags.report:
        for name, text in texts_of(path):
            if text.strip():
                change = coverage(name, [text], before, after)
                sys.stderr.write(
                    f"{change.unknown_before:8.3%} {change.unknown_after:8.3%} {change.longer:+7.1%} {name}\n"
                )


if __name__ == "__main__":
    with exit_with_message():
        main()

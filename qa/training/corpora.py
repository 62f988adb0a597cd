"""Question files turned into the spelling that a cased reader of many languages is to learn.

    python -m qa.training.corpora QUESTIONS.json.gz OUT.json --recased       lower-cased, tokenised questions
    python -m qa.training.corpora QUESTIONS.json.gz OUT.json --simplified    traditional Chinese characters

Where half of the unanswerable questions of a set are lower-cased and tokenised, a reader that sees case
learns that this spelling means "no answer"; they get back the capitals that their contexts show and lose
the spaces. Most open Chinese sets are in traditional characters, most Chinese is written in simplified ones
(OpenCC turns one into the other: `pip install "spanwise[corpora]"`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from index.errors import DataError
from ingest.errors import exit_with_message
from qa.squad.dataset import load_json, read_squad

_APART = re.compile(r"\s+([?!,;:.)\]%]|'s\b|n't\b)|([(\[$])\s+")
_QUOTED = re.compile(r"([\"'])\s+(.+?)\s+\1(?=\s|\?|$)")
_POSSESSIVE = re.compile(r"(\w)\s+'\s*s\b")
_WORD = re.compile(r"\w+")
_SENTENCE_START = re.compile(r"(?:^|[.!?]\s+)$")


def recased(question: str, context: str) -> str:
    """A lower-cased question with the capitals of its context and no spaces before punctuation.

    A word gets the capitals that it has within a sentence of the context, unless it stands there in lower
    case too; the question's first letter becomes one. A question that has capitals is given back as it is.
    """
    if question != question.lower():
        return question
    spelt: dict[str, str] = {}
    plain = set()
    for match in _WORD.finditer(context):
        word = match.group()
        if word == word.lower():
            plain.add(word)
        elif word[1:] != word[1:].lower() or not _SENTENCE_START.search(context[: match.start()][-8:]):
            spelt.setdefault(word.lower(), word)
    text = _POSSESSIVE.sub(r"\1's", question)
    text = _QUOTED.sub(r"\1\2\1", text)
    text = _APART.sub(lambda match: match.group(1) or match.group(2), text)
    text = _WORD.sub(
        lambda match: match.group() if match.group() in plain else spelt.get(match.group(), match.group()),
        text,
    ).strip()
    return text[:1].upper() + text[1:]


def with_recased_questions(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a SQuAD file with its unanswerable questions spelt as `recased` does."""
    for article in content["data"]:
        for paragraph in article["paragraphs"]:
            for item in paragraph["qas"]:
                if not item["answers"]:
                    item["question"] = recased(item["question"], paragraph["context"])
    return content


def with_characters(content: dict[str, Any], convert: Callable[[str], str]) -> dict[str, Any]:
    """The content of a SQuAD file with the characters of questions, contexts and answers converted.

    Titles stay, so that a title held out of training is so in either script. A paragraph whose length the
    conversion changes is left out, for the offsets would not hold.
    """
    for article in content["data"]:
        kept = []
        for paragraph in article["paragraphs"]:
            context = convert(paragraph["context"])
            if len(context) != len(paragraph["context"]):
                continue
            paragraph["context"] = context
            for item in paragraph["qas"]:
                item["question"] = convert(item["question"])
                for answer in item["answers"]:
                    start = answer["answer_start"]
                    answer["text"] = context[start : start + len(answer["text"])]
            kept.append(paragraph)
        article["paragraphs"] = kept
    return content


def _simplify() -> Callable[[str], str]:
    try:
        from opencc import OpenCC
    except ModuleNotFoundError as error:
        raise DataError(
            "simplified characters need the package opencc, which is not installed",
            hint='pip install "spanwise[corpora]"',
        ) from error
    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert


def main() -> None:
    """Read one file, write the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--recased", action="store_true", help="capitals and spacing for unanswerable questions"
    )
    kind.add_argument("--simplified", action="store_true", help="simplified Chinese characters")
    flags = parser.parse_args()
    convert = _simplify() if flags.simplified else None
    read_squad(flags.source)  # raises DataError where the file has another form
    content = load_json(flags.source)
    made = with_recased_questions(content) if convert is None else with_characters(content, convert)
    text = json.dumps(made, ensure_ascii=False)
    flags.out.parent.mkdir(parents=True, exist_ok=True)
    if flags.out.suffix == ".gz":
        flags.out.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        flags.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with exit_with_message():
        main()

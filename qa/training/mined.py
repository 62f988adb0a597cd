"""Questions that sentences answer, mined from question files by the form of the sentences, as a SQuAD file.

    python -m qa.training.mined OUT.json.gz --english FILE... --chinese FILE... --faq FILE.jsonl.gz

texts of the files -> rules of `mined_english`, `mined_chinese` -> one or two wordings each, some of a
definition in another language -> OUT, by article. Questions of FAQ pages come with the sections before and
after theirs in the context, for in the file most answers stand first. Everything follows from the texts and
the seed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.datasets import row_files
from index.errors import DataError
from ingest.errors import exit_with_message
from ingest.records import Span
from qa.squad.dataset import read_squad
from qa.training.mined_chinese import chinese_questions
from qa.training.mined_english import Cases, Mined, english_questions

# "What is X" in the languages that people ask in; names are the same in all that write Latin letters.
ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "zh": ("{}是什么？", "什么是{}？", "{}是什么"),
    "de": ("Was ist {}?", "was ist {}", "{} Bedeutung"),
    "es": ("¿Qué es {}?", "que es {}", "{} significado"),
    "fr": ("Qu'est-ce que {} ?", "c'est quoi {}"),
    "ja": ("{}とは何ですか？", "{}とは"),
    "ru": ("Что такое {}?", "что такое {}"),
    "pt": ("O que é {}?",),
    "it": ("Che cos'è {}?",),
    "ko": ("{}은(는) 무엇인가요?",),
    "ar": ("ما هو {}؟",),
    "hi": ("{} क्या है?",),
    "vi": ("{} là gì?",),
    "id": ("Apa itu {}?",),
    "tr": ("{} nedir?",),
}
WHO: Mapping[str, tuple[str, ...]] = {
    "zh": ("{}是谁？", "谁是{}？"),
    "de": ("Wer ist {}?", "wer war {}"),
    "es": ("¿Quién es {}?", "quien es {}"),
    "fr": ("Qui est {} ?", "qui est {}"),
    "ja": ("{}は誰ですか？", "{}とは誰ですか"),
    "ru": ("Кто такой {}?",),
    "pt": ("Quem é {}?",),
    "it": ("Chi è {}?",),
    "ko": ("{}은(는) 누구인가요?",),
    "ar": ("من هو {}؟",),
    "hi": ("{} कौन है?",),
    "vi": ("{} là ai?",),
    "id": ("Siapa {}?",),
    "tr": ("{} kimdir?",),
}
_KIND_LIMIT = {"yesno": 1500}
_FAQ = {name: str for name in ("repo", "path", "question", "context", "answer", "kind")} | {
    "answer_start": int
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MinedQuestion:
    """A question with the text that answers it: `text[answer.start:answer.end]`."""

    kind: str
    title: str
    text: str
    question: str
    answer: Span


def mine(
    english: Iterable[tuple[str, str]], chinese: Iterable[tuple[str, str]], *, seed: int = 0
) -> list[MinedQuestion]:
    """The questions of (title, text) pairs in English and Chinese, no more of a kind than serves."""
    rng = random.Random(seed)  # noqa: S311  a choice of wordings, not a secret
    english, chinese = list(english), list(chinese)
    cases = Cases(text for _, text in english)
    candidates = [
        (title, text, item, "en") for title, text in english for item in english_questions(text, cases)
    ]
    candidates += [(title, text, item, "zh") for title, text in chinese for item in chinese_questions(text)]
    names = {
        item.name: _chinese_name(item)
        for *_, item, language in candidates
        if language == "zh" and item.name.strip()
    }
    rng.shuffle(candidates)
    taken: Counter[str] = Counter()
    made = []
    for title, text, item, language in candidates:
        if taken[item.kind] >= _KIND_LIMIT.get(item.kind, len(candidates)):
            continue
        taken[item.kind] += 1
        for question in _asked(item, language, names, rng):
            made.append(
                MinedQuestion(kind=item.kind, title=title, text=text, question=question, answer=item.answer)
            )
    return made


def _asked(item: Mined, language: str, names: Mapping[str, str], rng: random.Random) -> Iterator[str]:
    """One wording or two, and now and then one of another language."""
    wordings = list(item.wordings)
    first = wordings[0] if rng.random() < 0.4 else rng.choice(wordings)
    yield first
    if item.kind != "yesno" and rng.random() < 0.5:
        yield rng.choice([wording for wording in wordings if wording != first] or [first])
    name = item.name.strip()
    if not name:
        return
    if language == "zh":
        who = "谁" in first or "誰" in first or "什么人" in first or "什麼人" in first
        yield rng.choice(
            (f"Who is {name}?", f"who is {name.lower()}")
            if who
            else (f"What is {name}?", f"what is {name.lower()}")
        )
    elif rng.random() < 0.6 or name in names:
        templates = WHO if first.lower().startswith(("who ", "tell me who ")) else ELSEWHERE
        tongue = "zh" if name in names else rng.choice(list(templates))
        yield rng.choice(templates[tongue]).format(names.get(name, name))


def _chinese_name(item: Mined) -> str:
    """The subject of a Chinese definition: what all its wordings have in common stands first in the first."""
    return item.wordings[0].split("是")[0]


def read_faq(path: Path) -> list[dict[str, Any]]:
    """The pairs of a file of JSON lines, each with the fields of `_FAQ`; raises DataError."""
    hint = f"each line is an object with {', '.join(_FAQ)} (a number)"
    items = []
    for where, item in row_files.objects(path, hint=hint):
        fits = isinstance(item, dict) and all(isinstance(item.get(name), kind) for name, kind in _FAQ.items())
        if not fits:
            raise DataError(f"{path}, {where}: no pair of a FAQ but {item!r:.60}", hint=hint)
        items.append(item)
    return items


def join_faq(pairs: Iterable[dict[str, Any]], *, seed: int = 0) -> list[MinedQuestion]:
    """The pairs of FAQ pages (see `read_faq`), each in a text that goes on before or after it on its page.

    Neighbours come with their questions as headings, a pair's own question never does.
    """
    rng = random.Random(seed)  # noqa: S311  a choice of neighbours, not a secret
    pages: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in pairs:
        pages[f"{item['repo']}/{item['path']}"].append(item)
    made = []
    for page, items in pages.items():
        for place, item in enumerate(items):
            before = items[max(0, place - rng.choice((0, 1, 1, 2))) : place]
            after = items[place + 1 : place + 1 + rng.choice((0, 0, 1))]
            lead = "".join(f"{other['question']}\n{other['context']}\n\n" for other in before)[-1200:]
            trail = "".join(f"\n\n{other['question']}\n{other['context']}" for other in after)[:800]
            start = len(lead) + item["answer_start"]
            made.append(
                MinedQuestion(
                    kind=item["kind"],
                    title=page,
                    text=lead + item["context"] + trail,
                    question=item["question"],
                    answer=Span(start=start, end=start + len(item["answer"])),
                )
            )
    return made


def squad(questions: Sequence[MinedQuestion]) -> dict[str, Any]:
    """The questions in the form of SQuAD, each text once."""
    articles: defaultdict[str, defaultdict[str, list[dict[str, Any]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for number, item in enumerate(questions):
        answer = {"text": item.text[item.answer.start : item.answer.end], "answer_start": item.answer.start}
        entry = {"id": f"{item.kind}-{number}", "question": item.question, "answers": [answer]}
        articles[item.title][item.text].append(entry)
    return {
        "version": "1.1",
        "data": [
            {"title": title, "paragraphs": [{"context": text, "qas": qas} for text, qas in texts.items()]}
            for title, texts in articles.items()
        ],
    }


def _texts(paths: Iterable[Path]) -> list[tuple[str, str]]:
    examples = (example for path in paths for example in read_squad(path).examples)
    return list({example.context: (example.title, example.context) for example in examples}.values())


def main() -> None:
    """Read the files, write the questions, say on standard error how many there are of each kind."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--english", type=Path, nargs="*", default=[])
    parser.add_argument("--chinese", type=Path, nargs="*", default=[])
    parser.add_argument("--faq", type=Path, nargs="*", default=[])
    flags = parser.parse_args()
    if not (flags.english or flags.chinese or flags.faq):
        parser.error("give files: --english, --chinese or --faq")
    made = mine(_texts(flags.english), _texts(flags.chinese))
    for path in flags.faq:
        made += [replace(item, kind=f"faq {item.kind}") for item in join_faq(read_faq(path))]
    flags.out.parent.mkdir(parents=True, exist_ok=True)
    flags.out.write_bytes(gzip.compress(json.dumps(squad(made), ensure_ascii=False).encode(), mtime=0))
    for kind, count in Counter(item.kind for item in made).most_common():
        sys.stderr.write(f"{count:6,} {kind}\n")


if __name__ == "__main__":
    with exit_with_message():
        main()

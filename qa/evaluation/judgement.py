"""Whether an answer is right as a person would judge it: it holds the accepted words and not much more.

Exact match refuses most answers that are clauses ("what is ...", "why ..."). Here an answer is right if its
words hold an accepted answer and are not much longer (facts: three times its length or five words more; other
kinds: three times or twelve words more), or if they are most of one (token F1 of .7, or a part of it with F1
of .6) with the same numbers and negations. Words are compared without case, punctuation and English articles;
`--flag`, `-1`, `C++` and `C#` keep their signs; Chinese, Japanese and Thai are compared letter by letter.
Pure functions of strings.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_LETTERS = "\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f"  # kana, Han, Thai: scripts written without spaces
_WORD = re.compile(rf"[{_LETTERS}]|(?:(?<!\S)-{{1,2}})?[^\W_{_LETTERS}]+(?:\+\+|#)?")
_ARTICLES = {"a", "an", "the"}
_NEGATIONS = {
    *("not no never without cannot cant dont doesnt wont mustnt isnt arent".split()),
    *("不 没 无 非 nicht kein ne pas sin".split()),
}
_MORE_WORDS = {"fact": 5}
_MORE_WORDS_OTHERWISE = 12
_MOST = 0.7
_MOST_OF_A_PART = 0.6
_EVIDENCE_SHARE = 0.9


def answer_words(text: str) -> list[str]:
    """The words by which answers are compared: "The C++ compiler" gives ["c++", "compiler"]."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub(r"[*`~’']", "", text)
    return [word for word in _WORD.findall(text) if word not in _ARTICLES]


def is_right(text: str, accepted: Sequence[str], kind: str) -> bool:
    """Whether `text` answers a question of this `kind` (such as "fact"), given its `accepted` answers."""
    given = answer_words(text)
    return any(_agree(given, answer_words(answer), kind) for answer in accepted)


def holds_answer(text: str, accepted: Sequence[str]) -> bool:
    """Whether an accepted answer stands in `text`, however long that is."""
    given = answer_words(text)
    return any(_contains(given, answer_words(answer)) for answer in accepted)


def holds_evidence(passage: str, evidence: str) -> bool:
    """Whether at least nine tenths of the words of `evidence` stand in `passage`."""
    wanted = answer_words(evidence)
    common = Counter(wanted) & Counter(answer_words(passage))
    return bool(wanted) and common.total() >= _EVIDENCE_SHARE * len(wanted)


def _agree(given: Sequence[str], wanted: Sequence[str], kind: str) -> bool:
    longest = max(3 * len(wanted), len(wanted) + _MORE_WORDS.get(kind, _MORE_WORDS_OTHERWISE))
    if _contains(given, wanted) and len(given) <= longest:
        return True
    part = _contains(wanted, given)
    numbers, wanted_numbers = _numbers(given), _numbers(wanted)
    same_numbers = numbers <= wanted_numbers if part else numbers == wanted_numbers
    same_sense = _denies(given) == _denies(wanted)
    return same_numbers and same_sense and _f1(given, wanted) >= (_MOST_OF_A_PART if part else _MOST)


def _contains(words: Sequence[str], run: Sequence[str]) -> bool:
    """Whether `run` is not empty and stands in `words` without a gap."""
    length = len(run)
    return length > 0 and any(
        words[start : start + length] == run for start in range(len(words) - length + 1)
    )


def _f1(one: Sequence[str], other: Sequence[str]) -> float:
    common = (Counter(one) & Counter(other)).total()
    return 2 * common / (len(one) + len(other)) if common else 0.0


def _numbers(words: Sequence[str]) -> set[str]:
    return {word for word in words if any(letter.isdigit() for letter in word)}


def _denies(words: Sequence[str]) -> bool:
    return any(word in _NEGATIONS for word in words)

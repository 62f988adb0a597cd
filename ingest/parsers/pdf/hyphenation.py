"""Which hyphens at the end of a line belong to the word, judged by how the document writes it elsewhere.

`exam-` / `ple` is one word cut by the typesetter; `self-` / `attention` would lose a hyphen of its own.
No dictionary is needed: a document that says `self-attention` once writes it so in the middle of lines too.
Where it does not, two halves that are words of the document by themselves make a compound, unless they make
up a word that it knows, or begin with one that words often begin with (`under`, `over`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

HYPHEN = "\x02"
"""What pdfium returns instead of a hyphen at the end of a line, line end included."""

_COMPOUND = re.compile(r"(?<!\w)\w+(?:-\w+)+")
_WORD = re.compile(rf"(?<![\w{HYPHEN}-])\w{{3,}}(?![\w{HYPHEN}-])")
_LAST = re.compile(r"(?<!\w)(\w+)$")
_FIRST = re.compile(r"^(\w+)")
_LEAST_HALF = 4
_PREFIXES = frozenset("self well high low half cross long short".split())
_BEGINNINGS = frozenset(
    """
    under over some every there with where what when never more also here fore both anti auto semi mega inter
    super trans micro macro photo tele para mono poly counter
    """.split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWords:
    """The words of a document, whole ones and those with a hyphen inside."""

    whole: frozenset[str] = frozenset()
    compounds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str) -> Self:
        """The words in `text`, in which words cut at a line's end are marked by `HYPHEN`."""
        return cls(
            whole=frozenset(word.casefold() for word in _WORD.findall(text)),
            compounds=frozenset(word.casefold() for word in _COMPOUND.findall(text)),
        )

    def keep_hyphen(self, before: str, after: str) -> bool:
        """Whether the hyphen between the end of one line and the start of the next belongs to the word."""
        last, first = _LAST.search(before), _FIRST.search(after)
        if last is None or first is None or not first[1][0].islower() or not last[1].isalpha():
            return True
        left, right = last[1].casefold(), first[1].casefold()
        if f"{left}-{right}" in self.compounds or left in _PREFIXES or before[: last.start()].endswith("-"):
            return True
        if left + right in self.whole or left in _BEGINNINGS or min(len(left), len(right)) < _LEAST_HALF:
            return False
        return left in self.whole and right in self.whole

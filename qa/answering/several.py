"""Whether a question asks for several things, by its form.

Then the parts of one list do not compete: "France" and "Spain" can both be right. English only, by rule; a
question of any other form, or language, is taken to ask for one thing.
"""

from __future__ import annotations

import re

_PLURAL = r"(?!(?:is|was|has|does|this|its|his|us|as|\w+ss|\w+us|\w+is)\b)\w{2,}s"
_IRREGULAR = "people|men|women|children|countries|cities|species|series|criteria|phenomena|data"
_SEVERAL = re.compile(
    rf"""^\W*(?:
        (?:which|what)\s+(?:(?!of\b)\w+\s+){{0,2}}(?:{_PLURAL}|{_IRREGULAR})\s+
            (?:are|were|have|had|do|did|can|could|may|must|should|will|would|make|belong|use|take|\w+ed)\b
      | (?:who|what|which)\s+(?:are|were)\s+(?:the\s+)?(?:\w+\s+){{0,3}}?(?:{_PLURAL}|{_IRREGULAR})\b
      | (?:name|list|give|enumerate)\s+(?:me\s+)?(?:all|some|the|three|two|four|five|several)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def asks_for_several(question: str) -> bool:
    """Whether the question wants a list.

    >>> asks_for_several("Which countries are members?"), asks_for_several("Which country is a member?")
    (True, False)
    >>> asks_for_several("Who were the founders of the club?"), asks_for_several("What is physics?")
    (True, False)
    """
    return _SEVERAL.match(question) is not None

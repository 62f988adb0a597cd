"""Which bundled models serve a store: chosen once, by the languages of its first documents."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from index.checkpoints.presets import DEFAULT_PRESET, MULTILINGUAL_PRESET
from index.records import FileState
from ingest.records import UNDETERMINED, Document

# Share of text in other languages than English, of all text whose language is known.
_MOST_FOREIGN = 0.1
# A short text is easily taken for another language.
_LEAST_CHARACTERS = 300
_FIRST_DOCUMENTS = 64
_FIRST_SECONDS = 5.0
_ENGLISH = "en"

Held = tuple[Document, FileState]


def preset_for(characters: Mapping[str, int]) -> str:
    """The preset for texts of these languages (ISO 639-1), each with its number of characters.

    >>> preset_for({"en": 9500, "de": 500}), preset_for({"en": 5000, "zh": 5000}), preset_for({"und": 900})
    ('pocket', 'polyglot', 'pocket')
    """
    known = {language: count for language, count in characters.items() if language != UNDETERMINED}
    foreign = sum(count for language, count in known.items() if language != _ENGLISH)
    return MULTILINGUAL_PRESET if foreign > _MOST_FOREIGN * sum(known.values()) else DEFAULT_PRESET


def is_foreign(document: Document) -> bool:
    """Whether the default models would read this document badly."""
    return document.language not in (_ENGLISH, UNDETERMINED) and len(document.text) >= _LEAST_CHARACTERS


def foreign_note(languages: Mapping[str, int]) -> str:
    """What to tell of documents, counted by language, that came into a store of the default models."""
    counts = ", ".join(f"{language} {count:,}" for language, count in sorted(languages.items()))
    total = sum(languages.values())
    which = "1 document is" if total == 1 else f"{total:,} documents are"
    return (
        f"{which} not in English ({counts}), and {DEFAULT_PRESET} was made for English; "
        f"for a hundred languages: spanwise reembed --models {MULTILINGUAL_PRESET}"
    )


class FirstDocuments:
    """Holds back the first documents of a store until its models are chosen; `choose` is given a preset."""

    def __init__(self, choose: Callable[[str], None]) -> None:
        self._choose = choose
        self.chosen: str | None = None
        self._held: list[Held] = []
        self._since = 0.0

    def add(self, document: Document, state: FileState) -> list[Held]:
        """Hold a document back; gives all that were held once the models are chosen, nothing before."""
        if not self._held:
            self._since = time.monotonic()
        self._held.append((document, state))
        return self.release() if self.late or len(self._held) == _FIRST_DOCUMENTS else []

    @property
    def late(self) -> bool:
        """Whether the first of them has waited long enough for others."""
        return bool(self._held) and time.monotonic() - self._since > _FIRST_SECONDS

    def release(self) -> list[Held]:
        """Choose by what is held, and give it."""
        held, self._held = self._held, []
        if held:
            characters: Counter[str] = Counter()
            for document, _ in held:
                characters[document.language] += len(document.text)
            self.chosen = preset_for(characters)
            self._choose(self.chosen)
        return held

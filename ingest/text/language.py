"""Detects the language of a text: ISO 639-1, or `und` when it cannot be known.

langdetect, seeded, over samples from the whole text, so that a title page in another language does not
decide and the cost is bounded. langdetect calls "404 error" Danish with certainty; so a text needs enough
letters before it is believed. A script that serves one language only needs far fewer, and no guessing.
"""

from __future__ import annotations

import re

from langdetect import DetectorFactory, LangDetectException, detect_langs

from ingest.records import UNDETERMINED

DetectorFactory.seed = 0

MIN_LETTERS = 40
MIN_DIFFERENT_LETTERS = 8
MIN_SCRIPT_LETTERS = 2
MIN_PROBABILITY = 0.8
_LIKELIER_THAN_NOT = 0.5
_SAMPLES = 4
_SAMPLE_SIZE = 500

# Scripts of one language; Han alone is Chinese, with kana it is Japanese, with Hangul Korean.
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]")),
    ("ko", re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("lo", re.compile("[\u0e80-\u0eff]")),
    ("el", re.compile("[\u0370-\u03ff\u1f00-\u1fff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hy", re.compile("[\u0530-\u058f]")),
    ("ka", re.compile("[\u10a0-\u10ff\u1c90-\u1cbf]")),
    ("km", re.compile("[\u1780-\u17ff]")),
    ("my", re.compile("[\u1000-\u109f]")),
    ("si", re.compile("[\u0d80-\u0dff]")),
    ("bo", re.compile("[\u0f00-\u0fff]")),
    ("ta", re.compile("[\u0b80-\u0bff]")),
    ("te", re.compile("[\u0c00-\u0c7f]")),
    ("kn", re.compile("[\u0c80-\u0cff]")),
    ("ml", re.compile("[\u0d00-\u0d7f]")),
    ("gu", re.compile("[\u0a80-\u0aff]")),
    ("pa", re.compile("[\u0a00-\u0a7f]")),
    ("am", re.compile("[\u1200-\u137f]")),
)
_LETTER = re.compile(r"[^\W\d_]")
# Addresses, numbers and markup say nothing about the language of the words around them.
_NOISE = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[\d_#*|<>/\\=~`^{}\[\]+-]+")


def detect_language(text: str) -> str:
    """The language of `text`, `und` when it is too short or unclear. Deterministic; never raises."""
    sample = _sample(text)
    found = _LETTER.findall(sample)
    letters = len(found)
    by_script = _by_script(sample, letters)
    if by_script is not None:
        return by_script
    if letters < MIN_LETTERS or len(set(found)) < MIN_DIFFERENT_LETTERS:
        return UNDETERMINED
    return _by_words(sample)


def short_language(text: str) -> str:
    """The most likely language of a question or a heading, `und` where there is none.

    `detect_language` rather says nothing than something wrong; this says what is likelier than all else
    together, for choices in which a mistake costs little.
    """
    sample = _NOISE.sub(" ", text)
    letters = len(_LETTER.findall(sample))
    by_script = _by_script(sample, letters)
    if by_script is not None or letters < MIN_SCRIPT_LETTERS:
        return by_script or UNDETERMINED
    try:
        best = detect_langs(sample.lower())[0]
    except LangDetectException:
        return UNDETERMINED
    return str(best.lang).split("-")[0] if best.prob > _LIKELIER_THAN_NOT else UNDETERMINED


def _sample(text: str) -> str:
    """The beginning, the end and evenly spaced pieces between, without what is no language."""
    if len(text) <= _SAMPLES * _SAMPLE_SIZE:
        return _NOISE.sub(" ", text)
    step = (len(text) - _SAMPLE_SIZE) / (_SAMPLES - 1)
    starts = (round(i * step) for i in range(_SAMPLES))
    return _NOISE.sub(" ", "\n".join(text[start : start + _SAMPLE_SIZE] for start in starts))


def _by_script(sample: str, letters: int) -> str | None:
    """The language whose script most of the letters belong to, None where that decides nothing."""
    counts = {language: len(pattern.findall(sample)) for language, pattern in _SCRIPTS}
    # Japanese and Korean are written with Han characters too, which then count for them.
    for mixed, share in (("ja", 0.1), ("ko", 0.3)):
        if counts[mixed] >= MIN_SCRIPT_LETTERS and counts[mixed] > share * (counts[mixed] + counts["zh"]):
            counts[mixed] += counts["zh"]
            counts["zh"] = 0
    language, count = max(counts.items(), key=lambda item: item[1])
    # One Han character is a syllable or a word, so that Latin words between them outnumber it easily.
    floor = 0.2 if language in ("zh", "ja", "ko") else 0.6
    if count >= MIN_SCRIPT_LETTERS and count > floor * max(letters, count):
        return language
    return None


def _by_words(sample: str) -> str:
    try:
        best = detect_langs(sample)[0]
    except LangDetectException:
        return UNDETERMINED
    if best.prob < MIN_PROBABILITY:
        return UNDETERMINED
    return str(best.lang).split("-")[0]

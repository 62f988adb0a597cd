"""Reading passages, deciding on one answer, explaining it, and measuring how good answers are.

    reading                  a question and texts to exact spans
    answering                the spans of all passages to one cited answer, or none
    squad, evaluation        labelled files to figures
    calibration, training    labelled files to fitted settings and models
    explanation, feedback    why an answer; what people said of it, and learning from that

Names are loaded when they are asked for, so that a record costs no import of a model library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.errors import DataError, ModelError, ModelNotFound, StoreError, StoreNotFound
    from ingest.errors import SpanwiseError
    from qa.answering.answerer import Answerer
    from qa.explanation.explainer import Explainer
    from qa.explanation.records import Attribution, Why
    from qa.protocols import Reader
    from qa.reading.reader import load_reader
    from qa.records import Answer, AskResult, Reason, Source, SpanCandidate

_HOMES = {
    "Answer": "qa.records",
    "Answerer": "qa.answering.answerer",
    "AskResult": "qa.records",
    "Attribution": "qa.explanation.records",
    "DataError": "index.errors",
    "Explainer": "qa.explanation.explainer",
    "ModelError": "index.errors",
    "ModelNotFound": "index.errors",
    "Reader": "qa.protocols",
    "Reason": "qa.records",
    "Source": "qa.records",
    "SpanCandidate": "qa.records",
    "SpanwiseError": "ingest.errors",
    "StoreError": "index.errors",
    "StoreNotFound": "index.errors",
    "Why": "qa.explanation.records",
    "load_reader": "qa.reading.reader",
}

__all__ = [
    "Answer",
    "Answerer",
    "AskResult",
    "Attribution",
    "DataError",
    "Explainer",
    "ModelError",
    "ModelNotFound",
    "Reader",
    "Reason",
    "Source",
    "SpanCandidate",
    "SpanwiseError",
    "StoreError",
    "StoreNotFound",
    "Why",
    "load_reader",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'qa' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)

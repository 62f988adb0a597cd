"""The fitted decision for an encoder, a reader and their settings: where it is stored and when it applies.

    <store>/calibration/<key>.json    by `spanwise calibrate`, for that store
    <models>/<preset>/calibration.json  shipped with the bundled models

The key is a hash of both fingerprints and of the settings under which passages are found and read, so that a
calibration never serves another model. Files of format 1 were fitted before the words of sentences were
evidence: they still serve, and these words count for nothing there. A damaged file is ignored with a warning,
because asking must go on without it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from index.checkpoints.presets import models_folder
from index.errors import StoreReadOnly
from index.search.fusion import FusionSettings
from qa.answering.decision import CLAIM_EVIDENCE, DecisionSettings
from qa.forms.evidence import SENTENCE_EVIDENCE
from qa.reading.spans import SpanSettings
from qa.reading.windows import MAX_TOKENS, STRIDE

_LOG = logging.getLogger(__name__)
_FORMAT = 2
# What was evidence in files of format 1, in the order that their hash of settings was made from.
FIRST_EVIDENCE = ("margin", "score", "log_rank", "gap", "coverage", "cosine")
_FOLDER = "calibration"
_BUNDLED = "*/calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Fitted settings, what they belong to and what they were fitted on.

    `figures` are those of the fitted settings on questions that took no part in their fitting (crossed
    halves); `source` names the labelled file.
    """

    encoder: str
    reader: str
    settings: str
    decision: DecisionSettings
    questions: int
    unanswerable: int
    source: str
    figures: Mapping[str, float] = field(default_factory=dict)
    format: int = _FORMAT

    @property
    def key(self) -> str:
        """The name of its file in a store."""
        return _key(self.encoder, self.reader, self.settings)


def reading_settings(evidence: Sequence[str] = CLAIM_EVIDENCE) -> str:
    """A hash of the settings under which passages are found, read and weighed.

    Trap: changing any of these (a default of `FusionSettings` or `SpanSettings`, `MAX_TOKENS`, `STRIDE`,
    `CLAIM_EVIDENCE`) retires every calibration that was fitted before, the bundled one too, and answers are
    decided by the defaults of `DecisionSettings`. Fit and ship a new one with such a change.
    """
    settings = [asdict(FusionSettings()), asdict(SpanSettings()), MAX_TOKENS, STRIDE, evidence]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def fitted_decision(store: Path, *, encoder: str, reader: str) -> DecisionSettings:
    """The decision fitted for these fingerprints: the store's own, else the shipped one, else the default."""
    own = own_calibration(store, encoder=encoder, reader=reader)
    if own is not None:
        return own.decision
    keys = (_key(encoder, reader, reading_settings()),)
    shipped = (_fitting(path, keys) for path in sorted(models_folder().glob(_BUNDLED)))
    return next((file.decision for file in shipped if file is not None), DecisionSettings())


def own_calibration(store: Path, *, encoder: str, reader: str) -> Calibration | None:
    """The calibration fitted in this store for these fingerprints, None where nothing was fitted."""
    keys = tuple(
        _key(encoder, reader, settings) for settings in (reading_settings(), reading_settings(FIRST_EVIDENCE))
    )
    files = (_fitting(store / _FOLDER / f"{key}.json", keys) for key in keys)
    return next((file for file in files if file is not None), None)


def save_calibration(store: Path, calibration: Calibration) -> Path:
    """Write it to a store's folder, replacing an older one; raises StoreReadOnly."""
    path = store / _FOLDER / f"{calibration.key}.json"
    draft = path.with_suffix(".draft")
    try:
        path.parent.mkdir(exist_ok=True)
        draft.write_text(json.dumps(asdict(calibration), indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise StoreReadOnly(
            f"{path} cannot be written: {error}", hint="calibrate where the store's folder can be written to"
        ) from error
    return path


def _fitting(path: Path, keys: Sequence[str]) -> Calibration | None:
    calibration = _read(path)
    return calibration if calibration is not None and calibration.key in keys else None


def _key(encoder: str, reader: str, settings: str) -> str:
    return hashlib.sha256(f"{encoder} {reader} {settings}".encode()).hexdigest()[:16]


def _read(path: Path) -> Calibration | None:
    if not path.is_file():
        return None
    try:
        calibration = TypeAdapter(Calibration).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        _LOG.warning("%s is not used, it cannot be read: %s", path, error)
        return None
    if not 1 <= calibration.format <= _FORMAT:
        _LOG.warning("%s is not used, its format is %s and not %s", path, calibration.format, _FORMAT)
        return None
    if calibration.format == 1:
        nothing: dict[str, Any] = dict.fromkeys(SENTENCE_EVIDENCE, 0.0)
        return replace(calibration, decision=replace(calibration.decision, **nothing))
    return calibration

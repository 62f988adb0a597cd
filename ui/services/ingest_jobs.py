"""Ingesting from the page: jobs of one kind, and the uploaded files that they read (no streamlit).

Uploads are written into the store's folder for them before the job starts. When it is over, the next view of
the page deletes those that were left out and restores the files that they had replaced.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from index.records import IngestReport
from ingest.conversion.parser_pool import sha256_of
from ingest.errors import SpanwiseError
from ingest.records import Rejected, RejectReason
from ui.services.jobs import JobStanding, JobState, read_json, write_json
from ui.services.library import Library

KIND = "ingest"
_UPLOADS, _SETTLED = "uploads.json", "uploads-settled.json"


def start_ingest(
    library: Library,
    title: str,
    paths: Sequence[Path],
    *,
    prune: bool = False,
    retry_rejected: bool = False,
    uploaded: bool = False,
) -> None:
    """Ingest files and folders in a job; raises JobBusy while one runs.

    With `uploaded` the paths are those of `Uploads.keep_all`.
    """
    _forget_earlier(library)
    jobs = library.jobs
    folder = jobs.prepare()
    try:
        if uploaded:
            write_json(folder / _UPLOADS, {"paths": [str(path) for path in paths]})
        jobs.start(
            KIND,
            title,
            [
                *("ingest", "--store", str(library.store.path)),
                *(["--prune"] if prune else []),
                *(["--retry-rejected"] if retry_rejected else []),
                *(str(path.expanduser().absolute()) for path in paths),  # none begins with a hyphen
            ],
            folder=folder,
        )
    except SpanwiseError:
        shutil.rmtree(folder, ignore_errors=True)  # no job came of it
        if uploaded:
            library.uploads.settle(paths, [path.as_posix() for path in paths])
        raise


def start_ingest_of_uploads(library: Library, title: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Keep uploaded files, names and contents, and ingest them; raises IngestError and JobBusy."""
    library.jobs.require_none(KIND)  # it may be reading files of the same names
    _forget_earlier(library)
    start_ingest(library, title, library.uploads.keep_all(files), uploaded=True)


def settle_uploads(library: Library, standing: JobStanding) -> None:
    """Once after a job: drop uploads that did not get into the store, bring back what they had replaced."""
    if not standing.state.over:
        return
    try:
        (standing.folder / _UPLOADS).rename(standing.folder / _SETTLED)  # of several sessions one succeeds
    except OSError:
        return
    paths = [Path(path) for path in (read_json(standing.folder / _SETTLED) or {}).get("paths", ())]
    if report := report_of(standing):
        rejected = [item.path for item in report.rejected]
    else:  # it was cancelled or failed: files whose text is in the store stay, those it never came to go
        rejected = [path.as_posix() for path in paths if not _is_stored(library, path)]
    library.uploads.settle(paths, rejected)


def _is_stored(library: Library, path: Path) -> bool:
    """Whether the store's document of this path was read from the bytes that the file has now."""
    try:
        document = library.store.document_of_content(sha256_of(path))
    except OSError:  # it is gone
        return False
    return document is not None and path.as_posix() in library.store.named(document.id)[0].paths


def can_be_repeated(standing: JobStanding) -> bool:
    """Whether a job that is over could start again: one of uploads cannot, some of them are gone."""
    return not any((standing.folder / name).exists() for name in (_UPLOADS, _SETTLED))


def report_of(standing: JobStanding) -> IngestReport | None:
    """What a job that is done printed, as the record it was made of; None for any other."""
    output: dict[str, Any] = standing.output()
    if standing.state is not JobState.DONE or not output:
        return None
    rejected = (
        Rejected(path=item["path"], reason=RejectReason(item["reason"]), detail=item["detail"])
        for item in output["rejected"]
    )
    return IngestReport(**{**output, "rejected": tuple(rejected), "warnings": tuple(output["warnings"])})


def _forget_earlier(library: Library) -> None:
    """Forget jobs that are over: their results are in the store, and in its report on files."""
    for standing in library.jobs.all(KIND):
        settle_uploads(library, standing)
        library.jobs.forget(standing.job.id)

"""Ingesting from the page: jobs of one kind, and the uploaded files that they read (no streamlit).

Uploads are written into the store's folder for them before the job starts. When it is over, the next view of
the page deletes those that were left out, but for PDF files that a password or text recognition may open.
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
from ui.services.uploads import KeptUpload
from ui.settings import PASSWORDS_VARIABLE

KIND = "ingest"
_UPLOADS, _SETTLED = "uploads.json", "uploads-settled.json"


def start_ingest(
    library: Library,
    title: str,
    paths: Sequence[Path],
    *,
    prune: bool = False,
    retry_rejected: bool = False,
    passwords: Sequence[str] = (),
    ocr: str = "",
    uploads: Sequence[KeptUpload] = (),
) -> None:
    """Ingest files and folders in a job; raises JobBusy while one runs.

    `passwords` open protected PDF files, `ocr` are the languages of text recognition, as in `eng+deu`;
    `uploads` are those of `paths` that were uploaded for this job.
    """
    _forget_earlier(library)
    jobs = library.jobs
    folder = jobs.prepare()
    try:
        new = [str(upload.path) for upload in uploads if upload.new]
        beside = {str(upload.path): str(upload.earlier) for upload in uploads if upload.earlier}
        if uploads:
            write_json(folder / _UPLOADS, {"paths": new, "beside": beside})
        jobs.start(
            KIND,
            title,
            [
                *("ingest", "--store", str(library.store.path)),
                *(["--prune"] if prune else []),
                *(["--retry-rejected"] if retry_rejected else []),
                *(["--ocr-language", ocr] if ocr else []),
                *(str(path.expanduser().absolute()) for path in paths),  # none begins with a hyphen
            ],
            folder=folder,
            secrets={PASSWORDS_VARIABLE: "\n".join(passwords)} if passwords else {},
        )
    except SpanwiseError:
        shutil.rmtree(folder, ignore_errors=True)  # no job came of it
        for upload in uploads:
            if upload.new:
                upload.path.unlink(missing_ok=True)
        raise


def start_ingest_of_uploads(library: Library, title: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Keep uploaded files, names and contents, and ingest them; raises IngestError and JobBusy."""
    library.jobs.require_none(KIND)  # it may be reading files of the same names
    _forget_earlier(library)
    kept = library.uploads.keep_all(files)
    start_ingest(library, title, list(dict.fromkeys(upload.path for upload in kept)), uploads=kept)


def replace_upload(library: Library, title: str, earlier: Path, later: Path) -> None:
    """Put an upload in the place of an earlier one of the same name; raises IngestError and JobBusy."""
    library.jobs.require_none(KIND)
    library.uploads.replace(earlier, later)
    start_ingest(library, title, [earlier])


def settle_uploads(library: Library, standing: JobStanding) -> None:
    """Once after a job: delete uploads that did not get into the store, unless they can be tried again."""
    if not standing.state.over:
        return
    try:
        (standing.folder / _UPLOADS).rename(standing.folder / _SETTLED)  # of several sessions one succeeds
    except OSError:
        return
    paths = [Path(path) for path in _uploads_of(standing).get("paths", ())]
    if report := report_of(standing):
        useless = {item.path for item in report.rejected if not (needs_password(item) or needs_ocr(item))}
        dropped = [path for path in paths if path.as_posix() in useless]
    else:  # it was cancelled or failed: files whose text is in the store stay, those it never came to go
        dropped = [path for path in paths if not _is_stored(library, path)]
    for path in dropped:
        path.unlink(missing_ok=True)


def kept_beside(standing: JobStanding) -> list[tuple[Path, Path]]:
    """Earlier uploads, each with the one of this job that has the same name and other bytes."""
    beside: dict[str, str] = _uploads_of(standing).get("beside", {})
    pairs = [(Path(earlier), Path(later)) for later, earlier in beside.items()]
    return [pair for pair in pairs if all(path.is_file() for path in pair)]


def needs_password(item: Rejected) -> bool:
    """Whether a password would open the file, which is still there."""
    return item.reason is RejectReason.ENCRYPTED and _is_pdf(item)


def needs_ocr(item: Rejected) -> bool:
    """Whether text recognition may read the file, which is still there."""
    return item.reason is RejectReason.NO_TEXT and _is_pdf(item)


def _is_pdf(item: Rejected) -> bool:
    path = Path(item.path)
    return path.suffix.lower() == ".pdf" and path.is_file()


def _uploads_of(standing: JobStanding) -> dict[str, Any]:
    return read_json(standing.folder / _SETTLED) or read_json(standing.folder / _UPLOADS) or {}


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

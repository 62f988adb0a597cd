"""Jobs as HTML: progress, pace, time that remains, how they ended; bars and tables of figures (pure)."""

from __future__ import annotations

from ui.page.fragments.base import escape
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.jobs import JobProgress, JobStanding, JobState


def duration(seconds: float, say: Say) -> str:
    """A time for people, in the unit that suits it.

    >>> duration(75, Say("en")), duration(20, Say("en"))
    ('1 min', '20 s')
    """
    if seconds < 1:
        return say("work.moment")
    if seconds < 60:
        return say("work.seconds", count=f"{seconds:.0f}")
    if seconds < 5400:
        return say("work.minutes", count=f"{seconds / 60:.0f}")
    return say("work.hours", count=f"{seconds / 3600:.1f}")


def pace(rate: float | None, remaining: float | None, say: Say) -> list[str]:
    """The rate and the time that remains, as far as they are known."""
    parts = []
    if rate is not None:
        parts.append(
            say("work.rate_second", rate=f"{rate:,.1f}")
            if rate >= 1
            else say("work.rate_minute", rate=f"{60 * rate:,.1f}")
        )
    if remaining is not None:
        parts.append(say("work.left", time=duration(remaining, say)))
    return parts


def track(share: float) -> str:
    """A bar of progress; the figures beside it are for screen readers."""
    return f'<div class="sw-track" aria-hidden="true"><span style="width:{share:.1%}"></span></div>'


def job_card(standing: JobStanding, say: Say) -> str:
    """A job that is at work: what it does, how far it is."""
    progress = standing.progress
    if progress is None or not progress.total:
        facts = say("work.wait")
    else:
        unit = say(f"work.unit_{progress.unit}")
        counted = say("work.so_far", done=f"{progress.done:,}", total=f"{progress.total:,}")
        note = progress.note
        if progress.unit == "file":
            note = say("collection.new_passages", count=f"{progress.passages:,}")
        # How long the other files took says nothing of one that takes long.
        speed = [] if progress.current else pace(progress.rate, progress.remaining_seconds, say)
        parts = [f"{counted} {unit}", *speed, note]
        facts = " · ".join(part for part in parts if part)
    line = _file_line(progress, say) if progress else ""
    last = f'<p class="sw-note">{escape(line)}</p>' if line else ""
    return (
        '<section class="sw-work" role="status"><p class="sw-work-head">'
        f"<strong>{escape(standing.job.title)}</strong>"
        f'<span class="sw-note">{say(f"work.{standing.state.value}")}</span></p>'
        f"{track(progress.share if progress else 0.0)}"
        f'<p>{escape(facts)}</p>{last}<p class="sw-note">{say("work.goes_on")}</p></section>'
    )


def _file_line(progress: JobProgress, say: Say) -> str:
    """The file that an ingest is at, if that takes long, else the last one that it is done with."""
    if progress.to_encode:
        counts = {"done": f"{progress.encoded:,}", "total": f"{progress.to_encode:,}"}
        return say("collection.now_encoding", path=progress.current, **counts)
    if progress.current:
        return say("collection.now_reading", path=progress.current)
    return say("collection.last_done", path=progress.files[0].path) if progress.files else ""


def job_end(standing: JobStanding, say: Say) -> str:
    """How a job ended, in a sentence."""
    if standing.state is JobState.DIED:
        message = say("work.died")
    elif standing.state is JobState.FAILED:
        message = phrasing.sentence(standing.message)
    else:
        message = phrasing.sentence(say(f"work.{standing.state.value}"))
    took = "" if standing.seconds is None else say("work.took", time=duration(standing.seconds, say))
    role = "status" if standing.state is JobState.DONE else "alert"
    hint = f'<p class="sw-note">{escape(phrasing.sentence(standing.hint))}</p>' if standing.hint else ""
    return (
        f'<section class="sw-work" role="{role}"><p class="sw-work-head">'
        f"<strong>{escape(standing.job.title)}</strong>"
        f'<span class="sw-note">{took}</span></p><p>{escape(message)}</p>{hint}</section>'
    )


def bars(title: str, rows: list[tuple[str, int]], *, empty: str = "–") -> str:
    """Counts as bars with their numbers, for the eye and for a screen reader alike."""
    if not rows:
        return f"<section><h3>{escape(title)}</h3><p>{empty}</p></section>"
    most = max(number for _, number in rows) or 1
    lines = "".join(
        f'<dt>{escape(name)}</dt><dd aria-hidden="true">'
        f'<span class="sw-fill" style="width:{number / most:.1%}"></span></dd>'
        f'<dd class="sw-count">{number:,}</dd>'
        for name, number in rows
    )
    return f'<section><h3>{escape(title)}</h3><dl class="sw-bars">{lines}</dl></section>'


def charts(parts: list[str]) -> str:
    """Several of `bars` side by side where there is room."""
    return f'<div class="sw-charts">{"".join(parts)}</div>'


def comparison(head: tuple[str, str, str], rows: list[tuple[str, str, str]]) -> str:
    """Figures before and after, as a table."""
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(before)}</td><td>{escape(after)}</td></tr>'
        for name, before, after in rows
    )
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return f'<table class="sw-compare"><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>'

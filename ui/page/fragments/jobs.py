"""Work that takes a while, as HTML: how far, how fast, how long, and how it ended (pure, no streamlit)."""

from __future__ import annotations

from ui.page.fragments.base import escape
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.jobs import JobStanding, JobState

WORK_STYLE = """
<style>
.sw-work { border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 10px;
  padding: .8rem 1.1rem; }
.sw-work p { margin: 0; overflow-wrap: anywhere; }
.sw-work-head { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; }
.sw-work-head strong { font-weight: 600; }
.sw-track { height: .5rem; border-radius: 1rem; overflow: hidden; margin: .6rem 0 .5rem;
  background: color-mix(in srgb, currentColor 14%, transparent); }
.sw-track > span { display: block; height: 100%; border-radius: 1rem; background: #1f9480;
  transition: width .6s linear; }
.sw-bars { display: grid; grid-template-columns: minmax(4rem, max-content) 1fr max-content;
  gap: .3rem .8rem; align-items: center; margin: 0; padding: 0;
  font-size: .9rem; }
.sw-bars dt { margin: 0; padding: 0; }
.sw-bars dt { overflow-wrap: anywhere; max-width: 14rem; }
.sw-bars dd { margin: 0; }
.sw-bars dd.sw-count { font-variant-numeric: tabular-nums; text-align: right; font-weight: 600; }
.sw-bars .sw-fill { display: block; height: .7rem; border-radius: 0 3px 3px 0;
  background: #1f9480; }
.sw-reason + .sw-facts { margin-top: 1rem; }
.sw-charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1.4rem 2.4rem; }
.sw-charts h3 { font-size: .95rem; font-weight: 600; margin: 0 0 .5rem; padding: 0; }
.sw-compare { border-collapse: collapse; font-size: .95rem; }
.sw-compare th, .sw-compare td { border: 0; padding: .25rem 1.4rem .25rem 0; text-align: right; }
.sw-compare th:first-child { text-align: left; font-weight: 400; }
.sw-compare thead th { font-weight: 400; font-size: .8rem;
  color: color-mix(in srgb, currentColor 72%, transparent); }
.sw-compare td { font-variant-numeric: tabular-nums; font-weight: 600; }
</style>
"""


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
    said = []
    if rate is not None:
        said.append(
            say("work.rate_second", rate=f"{rate:,.1f}")
            if rate >= 1
            else say("work.rate_minute", rate=f"{60 * rate:,.1f}")
        )
    if remaining is not None:
        said.append(say("work.left", time=duration(remaining, say)))
    return said


def track(share: float) -> str:
    """A bar; its meaning stands beside it in words."""
    return f'<div class="sw-track" aria-hidden="true"><span style="width:{share:.1%}"></span></div>'


def job_card(standing: JobStanding, say: Say) -> str:
    """A job that is at work: what it does, how far it is."""
    progress = standing.progress
    if progress is None or not progress.total:
        facts = say("work.wait")
    else:
        unit = say(f"work.unit_{progress.unit}")
        counted = say("work.so_far", done=f"{progress.done:,}", total=f"{progress.total:,}")
        said = [f"{counted} {unit}", *pace(progress.rate, progress.remaining_seconds, say)]
        facts = " · ".join([*said, progress.note] if progress.note else said)
    return (
        '<section class="sw-work" role="status"><p class="sw-work-head">'
        f"<strong>{escape(standing.job.title)}</strong>"
        f'<span class="sw-note">{say(f"work.{standing.state.value}")}</span></p>'
        f"{track(progress.share if progress else 0.0)}"
        f'<p>{escape(facts)}</p><p class="sw-note">{say("work.goes_on")}</p></section>'
    )


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

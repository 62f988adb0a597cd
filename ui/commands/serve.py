"""The commands `ui` and `demo`.

The page is Streamlit on `app.py` in a process of its own, with everything settled beforehand: look and limits
are given as flags, so that no configuration file has to be found at run time, and the page learns its store
and models through the environment (`settings` reads it there).
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.records import IngestReport
from ingest.errors import SpanwiseError
from ui.arguments import Commands, whole
from ui.render import json_forms, phrasing, terminal
from ui.render.terminal import printable
from ui.settings import (
    ENGINE_VARIABLE,
    MODELS_VARIABLE,
    PASSWORD_VARIABLE,
    STORE_VARIABLE,
    Flags,
    Settings,
    data_folder,
)

if TYPE_CHECKING:  # these modules load models, this one must not
    from types import FrameType

    from ui.services.demo import DemoReport, DemoResult

FIRST_PORT = 8501
_PORTS_TRIED = 50
_APP = Path(__file__).resolve().parents[1] / "app.py"

OPTIONS: Mapping[str, str] = {
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "type",
    "server.fileWatcherType": "none",
    "server.runOnSave": "false",
    "server.showEmailPrompt": "false",
    "server.maxUploadSize": "200",  # MB
    "theme.font": "sans-serif",
    "theme.headingFont": "serif",
    "theme.baseRadius": "8px",
    "theme.light.primaryColor": "#0b6b5d",
    "theme.light.backgroundColor": "#fdfcfa",
    "theme.light.secondaryBackgroundColor": "#f3f1ec",
    "theme.light.textColor": "#1d1f21",
    "theme.light.borderColor": "#dedad2",
    "theme.dark.primaryColor": "#218270",
    "theme.dark.backgroundColor": "#14171a",
    "theme.dark.secondaryBackgroundColor": "#1e2327",
    "theme.dark.textColor": "#e8e6e1",
    "theme.dark.borderColor": "#343b41",
}


def declare(commands: Commands) -> None:
    """Declare `ui` and `demo`."""
    sub = commands.add("ui", "open the page in the browser", ui)
    sub.add_argument("--port", type=_port, default=8501, metavar="N", help="port (8501)")
    sub.add_argument(
        *("--host", "--address"),
        dest="address",
        default="127.0.0.1",
        help="address to listen on (127.0.0.1: this computer only); on any other the page asks for a "
        "password, that of SPANWISE_UI_PASSWORD or a new one",
    )
    sub.add_argument("--headless", action="store_true", help="start no browser")
    commands.add("demo", "ask the questions of the collection that comes with spanwise", demo)


def ui(flags: Flags, settings: Settings) -> int:
    """Say where the page is, and run it until it ends."""
    from index.store.store import Store
    from ui.services.password import is_loopback, password_for

    # Opened here first, so that an error of the store is shown in the shell.
    Store.open(settings.store, create=True, models=settings.models).close()
    address = flags["address"]
    port = free_port(address, flags["port"])
    url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
    password = password_for(address, settings.password)
    new = password if password != settings.password else None
    lines = [f"Spanwise is at {url} with the store {settings.store}. Ctrl-C ends it."]
    if not is_loopback(address):
        lines.append(
            "Other computers can reach it, unencrypted: whoever knows the password can ask, add, remove."
        )
    if new is not None:
        lines.append(f"The password for this run: {new} (choose your own with SPANWISE_UI_PASSWORD)")
    terminal.show(
        settings,
        {"url": url, "store": str(settings.store), **({"password": new} if new is not None else {})},
        "\n".join(lines),
    )
    sys.stdout.flush()
    settings = replace(settings, password=password)
    return serve(settings, address, port, headless=flags["headless"] or not sys.stdout.isatty())


def demo(flags: Flags, settings: Settings) -> int:
    """Build the demo store if need be, ask its questions, and say how many answers are right."""
    from ui.render.progress import Progress
    from ui.services.demo import run_demo

    store = settings.store if settings.store_given else data_folder() / "demo"
    style = terminal.style_of(settings)

    def built(report: IngestReport) -> None:
        if not settings.json:
            print(f"{store}: {terminal.ingest_text(report)}\n", flush=True)

    def each(item: DemoResult) -> None:
        if not settings.json:
            print(demo_line(item, style), flush=True)

    with Progress("file") as progress:
        report = run_demo(store, settings.models, built=built, each=each, progress=progress.ingest)
    terminal.show(settings, demo_json(report, str(store)), "\n" + demo_summary(report, str(store)))
    return 0


def free_port(address: str, wanted: int | None) -> int:
    """The wanted port, or the first free one from 8501 up; SpanwiseError where there is none."""
    import socket

    candidates = range(FIRST_PORT, FIRST_PORT + _PORTS_TRIED) if wanted is None else (wanted,)
    for port in candidates:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise SpanwiseError(
        f"port {candidates[0]} on {address} cannot be used", hint="give another one with --port"
    )


def command(address: str, port: int, *, headless: bool) -> list[str]:
    """The command line that runs the page."""
    options = {**OPTIONS, "server.address": address, "server.port": str(port)}
    if headless:
        options["server.headless"] = "true"
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(_APP), *flags]


def environment(settings: Settings) -> dict[str, str]:
    """The environment of the page: this one, with store, models and the place of the packages."""
    root = str(_APP.parent.parent)
    given = os.environ.get("PYTHONPATH")
    variables = {
        **os.environ,
        STORE_VARIABLE: str(settings.store.absolute()),
        "PYTHONPATH": os.pathsep.join([root, given] if given else [root]),
    }
    if settings.models:
        variables[MODELS_VARIABLE] = settings.models
    if settings.password:
        variables[PASSWORD_VARIABLE] = settings.password
    if settings.engine:
        variables[ENGINE_VARIABLE] = settings.engine
    return variables


def serve(settings: Settings, address: str, port: int, *, headless: bool) -> int:
    """Run the page until it ends or this process is asked to; its talk goes to standard error."""
    import signal
    import subprocess

    page = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
        command(address, port, headless=headless), env=environment(settings), stdout=sys.stderr
    )

    def stop(number: int, frame: FrameType | None) -> None:
        page.terminate()

    signal.signal(signal.SIGTERM, stop)
    try:
        return max(page.wait(), 0)
    except KeyboardInterrupt:
        page.terminate()  # on a terminal it has had the signal too; from elsewhere it has not
        page.wait()
        raise


def _port(text: str) -> int:
    number = whole(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65535")
    return number


def demo_json(report: DemoReport, store: str) -> json_forms.Json:
    """How the demo went, question by question."""
    answerable, unanswerable = report.answerable, report.unanswerable
    return {
        "store": store,
        "documents": report.documents,
        "questions": len(report.results),
        "answerable": len(answerable),
        "right": sum(item.right for item in answerable),
        "exact": sum(item.exact for item in answerable),
        "overlapping": sum(item.overlapping for item in answerable),
        "unanswerable": len(unanswerable),
        "refused": sum(item.right for item in unanswerable),
        "build_seconds": round(report.build_seconds, 3),
        "seconds": round(report.seconds, 3),
        "results": [
            {
                "id": item.example.id,
                "question": item.example.question,
                "expected": list(item.example.answer_texts),
                "answered": item.result.answered,
                "answer": item.text,
                "right": item.right,
                "confidence": float(item.result.confidence),
                "path": item.result.answers[0].document.path if item.result.answered else None,
                "page": item.result.answers[0].page if item.result.answered else None,
            }
            for item in report.results
        ],
    }


def demo_line(item: DemoResult, style: terminal.Style = terminal.PLAIN) -> str:
    """One question of the demo, in two lines: what was asked, what came and whether that is right."""
    question = f"{'+' if item.right else '-'} {printable(item.example.question)}"
    golds = item.example.answer_texts
    expected = "" if item.right else f" (expected: {golds[0] if golds else 'no answer'})"
    if not item.result.answered:
        return f"{question}\n    {style.dim('no answer in here')}{printable(expected)}"
    answer = item.result.answers[0]
    place = phrasing.place(answer.document.title, answer.headings[-1:], answer.page)
    source = style.dim(printable(f"{answer.confidence:.2f} · {place}"))
    return f"{question}\n    {style.bold(printable(answer.text))}{printable(expected)}  {source}"


def demo_summary(report: DemoReport, store: str) -> str:
    """The counts of the demo and the line that opens its page."""
    answerable, unanswerable = report.answerable, report.unanswerable
    right, exact = sum(item.right for item in answerable), sum(item.exact for item in answerable)
    overlapping = sum(item.overlapping for item in answerable)
    refused = sum(item.right for item in unanswerable)
    each = 1000 * report.seconds / max(len(report.results), 1)
    return "\n".join(
        [
            f"{right} of {len(answerable)} answers right (equal to an expected answer or containing it; "
            f"word for word {exact}, at least half the words {overlapping})",
            f"{refused} of {len(unanswerable)} questions without an answer in the collection refused",
            f"{phrasing.count(report.documents, 'document')} taken in in {report.build_seconds:.1f} s, "
            f"{phrasing.count(len(report.results), 'question')} asked in {report.seconds:.1f} s "
            f"({each:.0f} ms each)",
            "",
            "Look at it in the browser:",
            f"  spanwise ui --store {shlex.quote(store)}",
        ]
    )

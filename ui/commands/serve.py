"""Starts the page: Streamlit on `app.py` in a process of its own, with everything settled beforehand.

The look and the limits are given as flags, so that no configuration file has to be found at run time. The
page learns its store and models through the environment (`settings` reads it there).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from ingest.errors import SpanwiseError
from ui.settings import (
    ENGINE_VARIABLE,
    MODELS_VARIABLE,
    PASSWORD_VARIABLE,
    STORE_VARIABLE,
    Settings,
)

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


def free_port(address: str, wanted: int | None) -> int:
    """The wanted port, or the first free one from 8501 up; SpanwiseError where there is none."""
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
    found = {
        **os.environ,
        STORE_VARIABLE: str(settings.store.absolute()),
        "PYTHONPATH": os.pathsep.join([root, given] if given else [root]),
    }
    if settings.models:
        found[MODELS_VARIABLE] = settings.models
    if settings.password:
        found[PASSWORD_VARIABLE] = settings.password
    if settings.engine:
        found[ENGINE_VARIABLE] = settings.engine
    return found


def serve(settings: Settings, address: str, port: int, *, headless: bool) -> int:
    """Run the page until it ends or this process is asked to; its talk goes to standard error."""
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

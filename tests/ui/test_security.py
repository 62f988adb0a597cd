"""The page against what strangers may bring: names, documents, questions, addresses."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest.errors import IngestError
from ui.commands.serve import environment
from ui.services import password, uploads
from ui.services.uploads import Uploads, safe_name
from ui.settings import load_settings

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PACKAGES = ("ingest", "index", "qa", "ui")
PASSWORD = "a pass phrase, größer"
OWNED = "window.owned = true"
MARKUP = (
    f"<script>{OWNED}</script> <img src=http://evil.example/1.png onerror='{OWNED}'> "
    f"<svg onload='{OWNED}'></svg> <iframe srcdoc='<script>parent.{OWNED}</script>'></iframe> "
    "<style>@import url(http://evil.example/2.css);</style> "
    f"[click](javascript:{OWNED}) ![picture](http://evil.example/3.png) <a href='javascript:{OWNED}'>go</a> "
    r"$\href{javascript:window.owned=true}{x}$ $$\includegraphics{http://evil.example/4.png}$$ :red[text]"
)
ATTACK = f"# {MARKUP}\n\n    The gate of Ellery opens at seven. {MARKUP} It closes at ten.\n"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../../etc/cron.d/job", "job"),
        ("..\\..\\windows\\x.txt", "x.txt"),
        ("/abs/olute.pdf", "olute.pdf"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("LPT1.tar.gz", "_LPT1.tar.gz"),
        ("notes.txt. . ", "notes.txt"),
        ("a\x00b\r\n.txt", "ab.txt"),
        ("invoice\u202excod.exe", "invoicexcod.exe"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("<img src=x>.md", "<img src=x>.md"),
    ],
)
def test_an_uploaded_name_cannot_leave_its_folder_or_deceive(name: str, safe: str) -> None:
    assert safe_name(name) == safe
    assert safe_name(safe) == safe


def test_uploads_of_one_name_are_both_kept_and_never_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    outside = tmp_path / "outside.txt"
    (tmp_path / "uploads" / "link.txt").symlink_to(outside)
    files = [
        ("a.txt", b"1"),
        ("x/A.txt", b"2"),
        ("a.txt", b"3"),
        ("README", b"4"),
        ("README", b"5"),
        ("link.txt", b"6"),
    ]
    paths = [kept.path for kept in Uploads(tmp_path / "uploads").keep_all(files)]
    assert [path.name for path in paths] == [
        "a.txt",
        "A (2).txt",
        "a (3).txt",
        "README",
        "README (2)",
        "link.txt",
    ]
    assert [path.read_bytes() for path in paths] == [content for _, content in files]
    assert not outside.exists()
    assert all(path.parent == tmp_path / "uploads" for path in paths)
    assert not any(path.stat().st_mode & 0o111 for path in paths)


def test_an_upload_of_the_same_bytes_is_the_same_file_and_of_others_is_kept_beside_it(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    (first,) = uploads.keep_all([("a.txt", b"1")])
    second, again, both = uploads.keep_all([("A.txt", b"2"), ("a.txt", b"1"), ("a.txt", b"2")])
    assert (first.new, first.earlier) == (True, None)
    assert (second.path.name, second.new, second.earlier) == ("A (2).txt", True, first.path)
    assert (again.path, again.new) == (first.path, False)
    assert (both.path, both.new) == (second.path, False)
    uploads.replace(first.path, second.path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.txt": b"2"}
    with pytest.raises(IngestError, match="one of them is gone"):
        uploads.replace(first.path, second.path)
    with pytest.raises(IngestError, match="one of them is gone"):
        uploads.replace(first.path, Path(__file__))


def test_an_upload_that_is_too_large_is_said_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LARGEST_UPLOAD", 3)
    with pytest.raises(IngestError, match=r"b\.txt has 4 bytes, the limit for uploads is 3"):
        Uploads(tmp_path).keep_all([("a.txt", b"123"), ("b.txt", b"1234")])
    assert not list(tmp_path.iterdir())


def test_only_other_addresses_need_a_password() -> None:
    for address in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        assert password.password_for(address, None) is None
        assert password.password_for(address, "own") == "own"
    for address in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        new = password.password_for(address, None)
        assert new is not None
        assert len(new) >= 16
        assert new != password.password_for(address, None)
        assert password.password_for(address, "own") == "own"


def test_the_password_is_compared_whole_and_stays_out_of_sight() -> None:
    assert password.opens(PASSWORD, PASSWORD)
    assert not any(password.opens(typed, PASSWORD) for typed in ("", PASSWORD[:-1], "\ud800"))
    settings = load_settings({"store": "/s"}, environ={"SPANWISE_UI_PASSWORD": PASSWORD})
    assert PASSWORD not in repr(settings)
    assert environment(settings)["SPANWISE_UI_PASSWORD"] == PASSWORD


# -- what the packages never do ----

_CALLS = frozenset(("eval", "exec", "compile", "__import__"))
_MODULES = frozenset(("pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "cloudpickle"))
_ATTRIBUTES = frozenset(
    (
        "torch.load",
        "yaml.load",
        "yaml.unsafe_load",
        "yaml.full_load",
        "os.system",
        "os.popen",
        "subprocess.getoutput",
    )
)
# Constants of the module itself; SQLite takes no parameters there.
_PRAGMAS = frozenset(
    (
        "index/sql/database.py: cursor.execute(f'PRAGMA {pragma}')",
        "index/sql/purge.py: cursor.execute(f'PRAGMA {name}')",
    )
)
_SQL = frozenset(("text", "exec_driver_sql", "execute", "executescript", "executemany"))


def _dangers(tree: ast.AST) -> Iterator[str]:
    """Code from data, shells, and SQL made of pieces."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
            yield from (f"import {name}" for name in names if name.split(".")[0] in _MODULES)
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in _CALLS or called in _ATTRIBUTES:
            yield called
        for keyword in node.keywords:
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg in ("shell", "trust_remote_code", "allow_pickle") and value is not False:
                yield f"{called}({keyword.arg}=...)"
        if called.split(".")[-1] in _SQL and node.args and _is_made_of_pieces(node.args[0]):
            yield f"{called}({ast.unparse(node.args[0])})"


def _is_made_of_pieces(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return any(
            isinstance(side, ast.Constant | ast.JoinedStr | ast.BinOp) for side in (node.left, node.right)
        )
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".format", ".join", ".replace"))


@pytest.mark.parametrize("package", PACKAGES)
def test_no_code_from_data_no_shell_no_sql_from_pieces(package: str) -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {danger}"
        for path in (ROOT / package).rglob("*.py")
        for danger in _dangers(ast.parse(path.read_text("utf-8")))
    }
    assert found <= _PRAGMAS


def test_the_check_for_dangers_sees_them() -> None:
    source = (
        "import pickle\nfrom shelve import open\neval(x)\ntorch.load(f)\nyaml.load(f)\nrun(c, shell=True)\n"
        "AutoModel.from_pretrained(n, trust_remote_code=flag)\nc.execute(f'drop {t}')\ntext('a' + b)\n"
        "connection.exec_driver_sql('{}'.format(x))\nconnection.execute(select(t))\ntext('constant')\n"
    )
    assert len(list(_dangers(ast.parse(source)))) == 10


# -- no network ----

_GUARD = """
import os, sys
def _guard(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = args[0]
    elif event in ("socket.connect", "socket.sendto", "socket.bind"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None
        if event == "socket.bind" and host == "":
            host = None
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost") or host.startswith("127.") or host == "::1":
        return
    with open(os.environ["GUARD_LOG"], "a") as log:
        print(event, args, sys.argv, file=log)
    raise OSError(f"no network: {event} {host}")
sys.addaudithook(_guard)
with open(os.environ["GUARD_LOG"] + ".seen", "a") as log:
    print(os.getpid(), sys.argv, file=log)
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _served(store: Path, environ: dict[str, str], *flags: str) -> Iterator[tuple[str, list[str]]]:
    """A running page: its address and what the command said."""
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "ui",
        "ui",
        "--headless",
        "--port",
        str(port),
        "--store",
        str(store),
        *flags,
    ]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            url = f"http://127.0.0.1:{port}/"
            for _ in range(900):
                assert server.poll() is None, "the server ended"
                try:
                    with urllib.request.urlopen(f"{url}_stcore/health", timeout=5):
                        break
                except OSError:
                    time.sleep(0.1)
            assert server.stdout is not None
            os.set_blocking(server.stdout.fileno(), False)
            yield url, (server.stdout.read() or "").splitlines()
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=60)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_of_it_looks_for_the_network(tmp_path: Path) -> None:
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(_GUARD)
    log = tmp_path / "log"
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SPANWISE_", "HF_"))},
        "GUARD_LOG": str(log),
        "PYTHONPATH": str(tmp_path / "guard"),
        "HOME": str(tmp_path),
    }
    (tmp_path / "notes.md").write_text("# Ferry\n\nThe ferry leaves at noon. [more](http://evil.example)\n")
    for line in (["ingest", str(tmp_path / "notes.md")], ["ask", "When does the ferry leave?"], ["models"]):
        command = [sys.executable, "-m", "ui", *line, "--store", str(tmp_path / "store")]
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, done.stderr
    with _served(tmp_path / "store", environ) as (url, said), urllib.request.urlopen(url, timeout=30) as page:
        assert "Other computers" not in "".join(said)
        assert page.status == 200
    seen = (tmp_path / "log.seen").read_text()
    assert "--server.headless" in seen
    assert seen.count("\n") >= 6, "a process was not watched: the parser, the page or a command"
    assert not log.exists(), log.read_text()


# -- in a real browser ----


def _open(page: Page, url: str, typed: str) -> None:
    page.goto(url)
    page.get_by_label("Password", exact=True).fill(typed)
    page.get_by_role("button", name="Open", exact=True).click()


@pytest.mark.slow
@pytest.mark.timeout(360)
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nothing_from_a_document_a_name_or_a_question_runs(tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    hostile = tmp_path / "<img src=x onerror='window.owned=1'> $x$ [a](javascript:1).md"
    hostile.write_text(ATTACK)
    broken = tmp_path / "<svg onload='window.owned=1'>.pdf"
    broken.write_bytes(b"\x00\x01\x02\x03 no PDF \xff\xfe\xfd")
    environ = {**os.environ, "SPANWISE_UI_PASSWORD": PASSWORD}
    with (
        _served(tmp_path / "store", environ, "--host", "0.0.0.0") as (url, said),
        api.sync_playwright() as playwright,
    ):
        assert any("Other computers can reach it" in line for line in said)
        assert PASSWORD not in "".join(said)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(viewport={"width": 1400, "height": 1200}).new_page()
        page.set_default_timeout(60_000)
        asked: list[str] = []

        def remember(request: Request) -> None:
            asked.append(request.url)

        page.on("request", remember)
        _open(page, url, "wrong")
        page.get_by_text("This is not the password.").wait_for()
        assert page.locator(".sw-name").count() == 0
        assert page.locator(".st-key-frame a").count() == 0
        _open(page, url, PASSWORD)
        page.locator(".sw-name").wait_for()

        page.get_by_role("link", name="Collection").click()
        assert page.get_by_label("Add a folder of this computer").count() == 0
        page.locator('input[type="file"]').set_input_files([hostile, broken])
        page.locator(".sw-summary").wait_for()
        assert "<svg onload=" in page.locator(".sw-summary").inner_text()

        for question in ("When does the gate of Ellery open?", f"When does the gate close? {MARKUP}"):
            page.get_by_role("link", name="Ask", exact=True).click()
            page.get_by_role("button", name="Ask", exact=True).wait_for()
            page.get_by_label("Question").fill(question)
            page.get_by_label("Question").press("Enter")
            page.locator(".st-key-answer").wait_for()
            for _ in range(3):  # drawn anew with the answer, the page closes what was opened too early
                page.get_by_role("button", name="History").click()
                with suppress(api.TimeoutError):
                    page.get_by_role("link", name=question[:20]).first.wait_for(timeout=10_000)
                    break
                page.keyboard.press("Escape")
            page.get_by_role("link", name=question[:20]).first.wait_for()
            page.keyboard.press("Escape")
            page.locator(".st-key-frame a[href*='search']").click()
            page.locator(".sw-hit .sw-text").first.wait_for()
        # The page may be drawn once more in between: what is looked for is waited for.
        page.locator(".sw-hit .sw-text", has_text="<script>window.owned").first.wait_for()
        page.get_by_role("link", name="Open in document").first.click()
        page.locator(".sw-document").wait_for()
        page.wait_for_timeout(1000)
        assert page.evaluate("window.owned") is None
        assert (
            page.locator("a[href^='javascript:'], iframe[srcdoc], img[src*='evil'], .sw-text script").count()
            == 0
        )
        assert page.locator(".katex").count() == 0
        own = url.rstrip("/").removeprefix("http://")
        strangers = [
            address for address in asked if own not in address and not address.startswith(("data:", "blob:"))
        ]
        assert strangers == []
        browser.close()

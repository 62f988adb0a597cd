"""Fixtures for all tests; nothing is imported from here.

An area's fixtures stand under a line with its name.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

# Before anything that computes is imported: threads that wait for each other cost a third of all time where
# tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings
from tokenizers import Tokenizer

from index.protocols import Encoder, Vectors
from index.records import DocumentInfo, Hit, StoredPassage
from index.store.store import Store
from ingest.text.tokenizer import TextTokenizer
from qa.records import SpanCandidate

if TYPE_CHECKING:  # the page's harness is imported by those who test the page
    from playwright.sync_api import Page
    from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-docs`: see `test_docs.py`."""
    parser.addoption(
        "--write-docs", action="store_true", help="write the generated parts of the documentation"
    )


def pytest_configure() -> None:
    """How long an example takes says more about the machine than about the code."""
    settings.register_profile("spanwise", deadline=None)
    settings.load_profile("spanwise")


# -- stores ----


class HashingEncoder:
    """Words hashed to signed axes: texts that share words are near, and a reader can work out why."""

    name = "hashing"
    fingerprint = "hashing-1"
    dimension = 64
    max_tokens = 256
    passage_room = 254

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self.tokenizer = tokenizer
        self.encoded = 0

    def unknown_share(self, text: str) -> float:
        """As the pocket vocabulary sees it."""
        return self.tokenizer.unknown_share(text)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """One row for each text."""
        self.encoded += len(texts)
        return np.stack([self._vector(text) for text in texts]) if texts else np.zeros((0, 64), np.float32)

    encode_queries = encode_passages

    def _vector(self, text: str) -> Vectors:
        vector = np.zeros(self.dimension, np.float32)
        for word in text.lower().split():
            digest = hashlib.sha256(word.strip(".,;:!?").encode(errors="replace")).digest()
            vector[digest[0] % self.dimension] += 1.0 if digest[1] % 2 else -1.0
        length = float(np.linalg.norm(vector))
        if not length:
            vector[0] = length = 1.0
        return vector / np.float32(length)


@pytest.fixture(scope="session")
def pocket_tokenizer() -> TextTokenizer:
    """The tokenizer of the bundled models."""
    return TextTokenizer.from_file(ROOT / "data/models/pocket/encoder/tokenizer.json")


@pytest.fixture
def hashing_encoder(pocket_tokenizer: TextTokenizer) -> HashingEncoder:
    """A quick encoder whose vectors can be worked out by hand."""
    return HashingEncoder(pocket_tokenizer)


@pytest.fixture
def store(tmp_path: Path, hashing_encoder: HashingEncoder) -> Iterator[Store]:
    """An empty store with the hashing encoder."""
    with Store.open(tmp_path / "store", create=True, encoder=hashing_encoder) as opened:
        yield opened


# --- tiny checkpoints: real architectures with random weights, made without a network ---

_TINY_TEXT = (
    "RoBERTa was introduced by Liu and others in 2019. Dynamic masking changes words in every epoch.",
    "A ship's log records the wind, the course and the speed. The harbour lies to the north of the town.",
    "Der Bus fährt um acht Uhr ab. Où est la gare ? 机器翻译很难。你好世界。 Привет, мир! 😀 naïve café 3.14",
    "Who introduced dynamic masking? When does the bus leave the harbour? What is the speed of the ship?",
)


def _wordpiece() -> Tokenizer:
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        _TINY_TEXT, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def _byte_level() -> Tokenizer:
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TINY_TEXT, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True)
    return tokenizer


def _unigram() -> Tokenizer:
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TINY_TEXT, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def _tiny_checkpoint(folder: Path, family: str, task: str) -> Path:
    """Two layers, 32 wide, 66 positions, weights from a fixed seed, saved as transformers saves them."""
    import torch
    import transformers

    tokenizer = {"roberta": _byte_level, "bert": _wordpiece, "xlm-roberta": _unigram}[family]()
    name = {"roberta": "Roberta", "bert": "Bert", "xlm-roberta": "XLMRoberta"}[family]
    config = getattr(transformers, f"{name}Config")(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        type_vocab_size=2 if family == "bert" else 1,
        pad_token_id=0 if family == "bert" else 1,
    )
    suffix = {"encoder": "Model", "reader": "ForQuestionAnswering"}[task]
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = getattr(transformers, f"{name}{suffix}")(config)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """`tiny_folder(family, task)`: a checkpoint of `roberta`, `bert` or `xlm-roberta`, read-only."""
    made: dict[tuple[str, str], Path] = {}

    def make(family: str, task: str) -> Path:
        if (family, task) not in made:
            folder = tmp_path_factory.mktemp(f"tiny-{family}-{task}")
            made[family, task] = _tiny_checkpoint(folder, family, task)
        return made[family, task]

    return make


@pytest.fixture(scope="session")
def tiny_roberta_encoder(tiny_folder: Callable[[str, str], Path]) -> Path:
    return tiny_folder("roberta", "encoder")


@pytest.fixture(scope="session")
def tiny_roberta_reader(tiny_folder: Callable[[str, str], Path]) -> Path:
    return tiny_folder("roberta", "reader")


@pytest.fixture(scope="session")
def tiny_bert_encoder(tiny_folder: Callable[[str, str], Path]) -> Path:
    return tiny_folder("bert", "encoder")


@pytest.fixture(scope="session")
def tiny_bert_reader(tiny_folder: Callable[[str, str], Path]) -> Path:
    return tiny_folder("bert", "reader")


@pytest.fixture(scope="session")
def tiny_xlmr_encoder(tiny_folder: Callable[[str, str], Path]) -> Path:
    return tiny_folder("xlm-roberta", "encoder")


@pytest.fixture(scope="session")
def tiny_xlmr_reader(tiny_folder: Callable[[str, str], Path]) -> Path:
    return tiny_folder("xlm-roberta", "reader")


@pytest.fixture(scope="session")
def pocket_encoder() -> Encoder:
    """The bundled encoder in float32."""

    from index.models.encoder import load_encoder

    return load_encoder("pocket", engine="torch-fp32")


@pytest.fixture(scope="session")
def tokenizers(
    pocket_tokenizer: TextTokenizer, tiny_folder: Callable[[str, str], Path]
) -> dict[str, TextTokenizer]:
    """Word pieces, byte-level BPE and unigram, each as its checkpoints carry it."""
    tiny = {
        family: TextTokenizer.from_file(tiny_folder(family, "reader") / "tokenizer.json")
        for family in ("roberta", "xlm-roberta")
    }
    return {"pocket": pocket_tokenizer, **tiny}


# -- answering ----


@pytest.fixture(scope="session")
def make_hit() -> Callable[..., Hit]:
    """`make_hit(text, rank=1, score=1.0, document="d1", start=0)`: a hit whose passage stands there."""

    def make(text: str, rank: int = 1, score: float = 1.0, document: str = "d1", start: int = 0) -> Hit:
        info = DocumentInfo(
            id=document,
            path=f"/library/{document}.txt",
            title=document,
            language="en",
            type="txt",
            characters=start + len(text),
            passages=1,
            modified=datetime(2024, 1, 1, tzinfo=UTC),
            paths=(f"/library/{document}.txt",),
        )
        passage = StoredPassage(
            id=rank, document_id=document, text=text, start=start, end=start + len(text), headings=("Top",)
        )
        return Hit(
            rank=rank, score=score, dense_score=score, lexical_score=None, passage=passage, document=info
        )

    return make


# -- databases ----


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """`postgres()`: the URL of a new, empty database on a private server; skipped without PostgreSQL."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        Path(found).parent for found in [shutil.which("initdb")] if found
    ]
    if not programs or not (programs[-1] / "initdb").exists():
        pytest.skip("PostgreSQL is not installed on this computer")
    # A server refuses to run as root, and nobody else may look into pytest's folders.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="spanwise-postgres-"))
    (folder / "password").write_text("secret")
    if user is not None:
        for path in (folder, folder / "password"):
            shutil.chown(path, user)

    data, socket = str(folder / "data"), str(folder)
    ways = ["-U", "spanwise", "-A", "scram-sha-256", f"--pwfile={folder / 'password'}", "-N"]
    options = {"listen_addresses": "", "fsync": "off", "shared_buffers": "16MB", "max_connections": "50"}
    # With util-linux the server ends with this process, however that ends.
    bound = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
    command = [*bound, str(programs[-1] / "postgres"), "-D", data, "-k", socket]
    try:
        subprocess.run(
            [str(programs[-1] / "initdb"), "-D", data, *ways],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*command, *(f"--{name}={value}" for name, value in options.items())],
                user=user,
                cwd=folder,
                stderr=log,
            )
        yield _new_databases(folder)
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=30)
    finally:
        shutil.rmtree(folder)


def _new_databases(socket: Path) -> Callable[[], str]:
    import psycopg

    numbers = itertools.count()

    def connect() -> psycopg.Connection[tuple[object, ...]]:
        until = time.monotonic() + 30
        while True:
            try:
                return psycopg.connect(
                    host=str(socket), user="spanwise", password="secret", dbname="postgres", autocommit=True
                )
            except psycopg.OperationalError:  # it has only just been started
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def create() -> str:
        name = f"library_{next(numbers)}"
        with connect() as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        return f"postgresql://spanwise@/{name}?host={quote(str(socket), safe='')}"

    return create


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Where a new store keeps its SQL side: None inside its folder, else the URL of an empty database."""
    if request.param == "sqlite":
        return None
    monkeypatch.setenv("SPANWISE_DATABASE_PASSWORD", "secret")
    create: Callable[[], str] = request.getfixturevalue("postgres")
    return create()


# -- the page ----

FERRY = "The ferry leaves at noon. In winter the ferry leaves at noon on Sundays only."
SCRIPT = "<script>document.title = 'owned'</script>"
ATTACK = f"Notes {SCRIPT}\n\nThe gate opens at seven. {SCRIPT} It closes at ten.\n"


class LastWordReader:
    """Answers with the last occurrence of the question's last word, where a context holds it."""

    name = "last-word"
    fingerprint = "last-word-1"

    def unknown_share(self, text: str) -> float:
        return float(any(ord(char) > 0x2E80 for char in text))

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        word = question.rstrip("?").split()[-1]
        return [self._span(context, word, index) for index, context in enumerate(contexts)]

    def read_many(self, asked: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in asked]

    def _span(self, context: str, word: str, index: int) -> SpanCandidate:
        start = context.rfind(word)
        found = start >= 0
        start, end = (start, start + len(word)) if found else (0, 3)
        return SpanCandidate(
            text=context[start:end],
            start=start,
            end=end,
            score=12.0 if found else -12.0,
            null_score=0.0,
            context=index,
        )


@pytest.fixture(scope="session")
def page_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store that the tests copy is built, once."""
    return tmp_path_factory.mktemp("template")


@pytest.fixture
def page_folder(
    tmp_path: Path, page_template: Path, hashing_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder with a store of two documents; the page opens it with quick models."""
    import streamlit

    from ui.page.tabs import collection as page_collection
    from ui.services import library

    if not (page_template / "store").exists():
        (page_template / "documents").mkdir()
        (page_template / "documents" / "ferry.md").write_text(FERRY)
        (page_template / "documents" / "attack.txt").write_text(ATTACK)
        with Store.open(page_template / "store", create=True, encoder=hashing_encoder) as store:
            store.ingest([page_template / "documents"])
    shutil.copytree(page_template / "store", tmp_path / "store")
    monkeypatch.setattr(library, "load_encoder", lambda name: hashing_encoder)
    monkeypatch.setattr(library, "load_reader", lambda name: LastWordReader())
    monkeypatch.setattr(page_collection, "is_local", lambda: True)
    monkeypatch.setenv("SPANWISE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("SPANWISE_MODELS", raising=False)
    streamlit.cache_resource.clear()
    yield tmp_path
    streamlit.cache_resource.clear()


@pytest.fixture
def open_tab(page_folder: Path) -> Callable[[str], AppTest]:
    """`open_tab("teach")`: the page with that tab open, run once and free of exceptions."""
    from streamlit.testing.v1 import AppTest
    from streamlit.util import calc_hash

    def opened(tab: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
        page._page_hash = calc_hash(tab)  # as its link does; AppTest has a way for pages that are files only
        page.run()
        assert not page.exception, page.exception
        return page

    return opened


@pytest.fixture
def serious_faults() -> Callable[[Page], list[str]]:
    """What axe finds of importance on an open page, each fault with its first element.

    Streamlit fades what it is about to draw again; the contrast of text is measured after that.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()

    def found(page: Page) -> list[str]:
        page.wait_for_function(
            """() => document.querySelector('[data-test-script-state="notRunning"]')
                && !document.querySelector('[data-stale="true"]')
                && document.getAnimations().every((animation) => animation.playState !== "running"
                    || animation.effect.getComputedTiming().iterations === Infinity)"""
        )
        return [
            f"{fault['id']}: {fault['nodes'][0]['html'][:200]}"
            for fault in axe.run(page).response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]

    return found


@pytest.fixture
def html_of() -> Callable[[AppTest], str]:
    """All HTML of a page that runs without exceptions."""

    def shown(page: AppTest) -> str:
        assert not page.exception, page.exception
        return "\n".join(element.proto.body for element in page.get("html"))

    return shown

"""Why an answer, as shown: words shaded at their places, text escaped, readable in both themes, all ways."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from index.protocols import Encoder
from index.records import Hit
from index.store.store import Store
from qa.explanation.answer_attribution import words_of
from qa.explanation.explainer import Explainer
from qa.explanation.records import Attribution, Competitor, Evidence, Method, TokenWeight, Why
from qa.records import Answer, AskResult, SpanCandidate
from ui.cli import main
from ui.page.fragments.static import static_file
from ui.page.fragments.why import STRONGEST, why_panel
from ui.page.tabs import ask as page_ask
from ui.render import json_forms, phrasing
from ui.render import terminal as text
from ui.render.messages import ENGLISH
from ui.services import library

APP = str(Path(__file__).parents[3] / "ui" / "app.py")
QUESTION, PASSAGE = "When does it leave?", "The ferry leaves at noon, <b>not</b> at nine."
MARKUP = "<script>alert('x')</script><img src=x onerror=alert(1)>&\"'"


def weighed(text: str, *weights: tuple[str, float]) -> tuple[TokenWeight, ...]:
    return tuple(
        TokenWeight(text=word, start=text.index(word), end=text.index(word) + len(word), weight=weight)
        for word, weight in weights
    )


def why(*, rivals: int = 1) -> Why:
    found = Attribution(
        method=Method.INTEGRATED,
        target_log_odds=5.0,
        baseline_log_odds=-2.0,
        null_score=-1.5,
        question=weighed(QUESTION, ("When", 2.0), ("leave", 1.0), ("?", 3.0)),
        passage=weighed(PASSAGE, ("leaves", 4.0), ("noon", -1.0), ("nine", 0.01)),
        other=0.25,
    )
    rival = Competitor(text="nine", confidence=0.2, span_score=1.0, title="Ferry", path="/f.txt", page=2)
    return Why(
        answer="noon",
        confidence=0.7,
        span_score=5.5,
        agreement=1,
        evidence=Evidence(rank=2, score=0.9, dense_score=0.5, lexical_score=None, coverage=0.75),
        attribution=found,
        competitors=(rival,) * rivals,
    )


def panel(reasons: Why, passage: str = PASSAGE) -> str:
    start = passage.find("noon")
    return why_panel(reasons, QUESTION, passage, start, start + 4, ENGLISH)


class _Reader(HTMLParser):
    """The tags of a fragment, its texts by block, and what of them is shaded or underlined."""

    def __init__(self, fragment: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.shaded: list[tuple[str, str, str]] = []
        self.underlined = ""
        self.feed(fragment)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.open.append(given.get("class", tag))
        if given.get("class") == "sw-text":
            self.texts.append("")
        if "title" in given and tag == "span":
            self.shaded.append(("", given["class"], given["style"]))

    def handle_endtag(self, tag: str) -> None:
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "sw-text" not in self.open:
            return
        self.texts[-1] += data
        if "u" in self.open:
            self.underlined += data
        if any(name.startswith("sw-w ") for name in self.open):
            shown, *rest = self.shaded[-1]
            self.shaded[-1] = (shown + data, rest[0], rest[1])


# -- the page's fragment ----------------------------------------------------------------------------------


def test_words_are_shaded_by_what_they_add_and_the_answer_is_underlined() -> None:
    shown = _Reader(panel(why()))
    assert shown.texts == [QUESTION, PASSAGE]
    assert shown.shaded == [
        ("When", "sw-w sw-for", "--sw-share:22%"),
        ("leave", "sw-w sw-for", "--sw-share:11%"),
        ("?", "sw-w sw-for", "--sw-share:34%"),
        ("leaves", "sw-w sw-for", "--sw-share:45%"),
        ("noon", "sw-w sw-against", "--sw-share:11%"),
    ]
    assert shown.underlined == "noon"


def test_scores_and_rivals_are_listed() -> None:
    shown = panel(why())
    for fact in ("+5.50", "-2.00", "0.900", "not found by it", "75 %", "nine", "20 %", "Ferry · page\xa02"):
        assert fact in shown
    assert "Competing answers" not in panel(why(rivals=0))


def test_without_any_weight_nothing_is_shaded() -> None:
    bare = replace(why().attribution, question=(), passage=weighed(PASSAGE, ("noon", 0.0)))
    assert _Reader(panel(replace(why(), attribution=bare))).shaded == []


@given(
    question=st.text().map(lambda text: MARKUP + text),
    passage=st.text().map(lambda text: text + MARKUP),
    data=st.data(),
)
def test_any_text_reaches_html_whole_and_escaped(question: str, passage: str, data: st.DataObject) -> None:
    def some(of: str) -> tuple[TokenWeight, ...]:
        cuts = sorted(data.draw(st.sets(st.integers(0, len(of)), max_size=8)))
        offsets = np.array(list(pairwise(cuts)), dtype=np.int64).reshape(-1, 2)
        return words_of(of, offsets, np.linspace(-1, 1, len(offsets)))[0]

    found = replace(why().attribution, question=some(question), passage=some(passage))
    start = data.draw(st.integers(0, len(passage)))
    end = data.draw(st.integers(start, len(passage)))
    rival = replace(why().competitors[0], text=question, title=passage)
    reasons = replace(why(), attribution=found, competitors=(rival,))
    fragment = why_panel(reasons, question, passage, start, end, ENGLISH)
    shown = _Reader(fragment)
    assert not shown.tags & {"script", "img"}
    # HTML knows one kind of line end
    plain = [of.replace("\r\n", "\n").replace("\r", "\n") for of in (question, passage)]
    assert [seen.replace("\r\n", "\n").replace("\r", "\n") for seen in shown.texts] == plain


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance as WCAG 2 defines it, of red, green and blue from 0 to 255."""
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (part / 255 for part in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


@pytest.mark.parametrize(("letters", "ground"), [("#31333f", "#ffffff"), ("#fafafa", "#0e1117")])
@pytest.mark.parametrize("kind", ["for", "against"])
def test_text_on_the_strongest_shade_is_readable_in_both_themes(kind: str, letters: str, ground: str) -> None:
    found = re.search(
        rf"\.sw-{kind} {{ background: color-mix\(in srgb, (#\w{{6}}) var", static_file("style.css")
    )
    assert found is not None
    share = STRONGEST / 100
    shade = [share * hue + (1 - share) * under for hue, under in zip(rgb(found[1]), rgb(ground), strict=True)]
    light, dark = sorted((luminance(rgb(letters)), luminance(shade)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


# -- terminal and JSON ------------------------------------------------------------------------------------


def asked(make_hit: Callable[..., Hit]) -> AskResult:
    hit = make_hit(PASSAGE)
    answer = Answer(
        text="noon",
        confidence=0.7,
        span_score=5.5,
        retrieval_score=1.0,
        document=hit.document,
        page=None,
        headings=(),
        start=PASSAGE.index("noon"),
        end=PASSAGE.index("noon") + 4,
        sentence=PASSAGE,
        passage=hit.passage,
    )
    second = replace(answer, text="nine", start=PASSAGE.index("nine"), end=PASSAGE.index("nine") + 4)
    return AskResult(
        question=QUESTION,
        answered=True,
        confidence=0.7,
        reason=None,
        answers=(answer, second),
        passages=(hit,),
    )


def test_the_terminal_names_the_strongest_words_below_each_answer(make_hit: Callable[..., Hit]) -> None:
    result = asked(make_hit)
    lines = text.ask_text(result, whys=[why(), why()]).splitlines()
    place = lines.index("  why:")
    assert lines[place + 1 : place + 5] == [
        '    reader    +5.0 against "no answer"; -2.0 if it saw no word of question and passage',
        "    question  When +2.0, leave +1.0",
        "    passage   leaves +4.0, noon -1.0, nine +0.0",
        "    found by  rank 2, score 0.900, meaning 0.50, 75 % of the question's words",
    ]
    assert lines.index("     why:") > lines.index("Other answers")
    assert "why:" not in text.ask_text(result)


def test_json_has_why_only_when_asked_for(make_hit: Callable[..., Hit]) -> None:
    result = asked(make_hit)
    plain, explained = json_forms.ask_json(result), json_forms.ask_json(result, [why(), why(rivals=0)])
    assert all("why" not in item for item in plain["answers"])
    first, second = (item.pop("why") for item in explained["answers"])
    assert explained == plain
    assert first == {
        "span_score": 5.5,
        "agreement": 1,
        "retrieval": {
            "rank": 2,
            "score": 0.9,
            "dense_score": 0.5,
            "lexical_score": None,
            "coverage": 0.75,
        },
        "attribution": {
            "method": "integrated_gradients",
            "target_log_odds": 5.0,
            "baseline_log_odds": -2.0,
            "null_score": -1.5,
            "other": 0.25,
            "question": [
                {"text": "When", "start": 0, "end": 4, "weight": 2.0},
                {"text": "leave", "start": 13, "end": 18, "weight": 1.0},
                {"text": "?", "start": 18, "end": 19, "weight": 3.0},
            ],
            "passage": [
                {"text": "leaves", "start": 10, "end": 16, "weight": 4.0},
                {"text": "noon", "start": 20, "end": 24, "weight": -1.0},
                {"text": "nine", "start": 40, "end": 44, "weight": 0.01},
            ],
        },
        "competitors": [
            {
                "text": "nine",
                "confidence": 0.2,
                "span_score": 1.0,
                "title": "Ferry",
                "path": "/f.txt",
                "page": 2,
            }
        ],
    }
    assert second["competitors"] == []


def test_the_strongest_words_leave_punctuation_out() -> None:
    found = phrasing.strongest(why().attribution.question, 1)
    assert [word.text for word in found] == ["When"]


@pytest.mark.slow
def test_from_the_command_line(
    tmp_path: Path, hashing_encoder: Encoder, capsys: pytest.CaptureFixture[str]
) -> None:
    store = str(tmp_path / "store")
    (tmp_path / "council.txt").write_text("The first mayor of the town was Agnes Thorne, a schoolteacher.")
    assert main(["ingest", str(tmp_path / "council.txt"), "--store", store]) == 0
    capsys.readouterr()
    question = ["Who was the first mayor?", "--store", store, "--why", "--always-answer"]
    assert main(["ask", *question, "--json"]) == 0
    (answer, *_) = json.loads(capsys.readouterr().out)["answers"]
    assert answer["text"] == "Agnes Thorne"
    for word in answer["why"]["attribution"]["passage"]:
        assert answer["passage"]["text"][word["start"] : word["end"]] == word["text"]
    assert answer["why"]["retrieval"]["rank"] == 1
    assert main(["ask", *question]) == 0
    assert re.search(r"^    passage   .*\bmayor \+\d", capsys.readouterr().out, re.M)
    (tmp_path / "questions").write_text("Who was the first mayor?\n\n \n")
    assert main(["ask", "--batch", str(tmp_path / "questions"), *question[1:]]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "why" in lines[0]["answers"][0]


# -- the page ---------------------------------------------------------------------------------------------


class LastWordReader:
    """Answers with every occurrence of the question's last word; its name is that of a real checkpoint."""

    fingerprint = "last-word-1"

    def __init__(self, name: str) -> None:
        self.name = name

    def unknown_share(self, text: str) -> float:
        return 0.0

    def read(self, question: str, contexts: Sequence[str]) -> list[SpanCandidate]:
        word = question.rstrip("?").split()[-1]
        return [
            SpanCandidate(
                text=context[match.start() : match.end()],
                start=match.start(),
                end=match.end(),
                score=12.0,
                null_score=0.0,
                context=index,
            )
            for index, context in enumerate(contexts)
            for match in re.finditer(rf"{word}|Sundays", context)
        ]

    def read_many(self, questions: Sequence[tuple[str, Sequence[str]]]) -> list[list[SpanCandidate]]:
        return [self.read(question, contexts) for question, contexts in questions]


@pytest.fixture
def page(
    tmp_path: Path, hashing_encoder: Encoder, tiny_roberta_reader: Path, monkeypatch: pytest.MonkeyPatch
) -> AppTest:
    """The page with one answer and another below it."""
    (tmp_path / "ferry.md").write_text("The ferry leaves at noon, but not on Sundays.")
    with Store.open(tmp_path / "store", create=True, encoder=hashing_encoder) as store:
        store.ingest([tmp_path / "ferry.md"])
    monkeypatch.setattr(library, "load_encoder", lambda name: hashing_encoder)
    monkeypatch.setattr(library, "load_reader", lambda name: LastWordReader(str(tiny_roberta_reader)))
    monkeypatch.setenv("SPANWISE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("SPANWISE_MODELS", raising=False)
    streamlit.cache_resource.clear()
    opened = AppTest.from_file(APP, default_timeout=60)
    opened.query_params["q"] = "When does the ferry leave, noon?"
    return opened


def html_of(page: AppTest) -> str:
    assert not page.exception, page.exception
    return "\n".join(element.proto.body for element in page.get("html"))


def test_reasons_are_folded_and_computed_only_when_opened(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained: list[str] = []
    explain = Explainer.explain

    def counted(self: Explainer, result: AskResult, answer: Answer) -> Why:
        explained.append(answer.text)
        return explain(self, result, answer)

    monkeypatch.setattr(Explainer, "explain", counted)
    assert "sw-why" not in html_of(page.run()).split("</style>")[-1]
    assert explained == []
    page.session_state["why_1_1_20_24"] = True  # the expander of the first answer, of passage 1
    shown = _Reader(html_of(page.run()))
    assert explained == ["noon"]
    assert "The ferry leaves at noon, but not on Sundays." in shown.texts
    assert shown.underlined == "noon"
    toggle = next(item for item in page.toggle if item.label == "Why this answer")
    html_of(toggle.set_value(True).run())
    html_of(page.run())
    assert explained == ["noon", "Sundays"], "remembered with the result"


def test_a_reader_that_cannot_be_explained_is_said_on_the_page(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_ask, "_explainer", lambda name: Explainer("./nowhere"))
    html_of(page.run())
    page.session_state["why_1_1_20_24"] = True  # the expander of the first answer, of passage 1
    assert "no model folder" in html_of(page.run())

"""The tab of the map: points for passages, near words, texts as data only."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
from streamlit.testing.v1 import AppTest

from index.records import StoredPassage
from index.search.projection import FlatMap
from ui.page.fragments.map import map_drawing, map_rows


def test_the_tab_draws_and_finds_near_words(
    open_tab: Callable[[str], AppTest], html_of: Callable[[AppTest], str]
) -> None:
    page = open_tab("map")
    charts = page.get("arrow_vega_lite_chart")
    shown = html_of(page)
    assert charts or "too few passages" in shown
    page.text_input(key="map_word").set_value("ferry").run()
    html_of(page)
    words = page.dataframe[0].value
    assert len(words)
    assert "ferry" not in list(words["Word"])


def test_rows_name_the_largest_documents_and_hold_plain_texts() -> None:
    passages = tuple(
        StoredPassage(id=n, document_id=f"d{n % 10}", text="<b>x</b>\n" * 40, start=0, end=360)
        for n in range(20)
    )
    found = FlatMap(points=np.zeros((20, 2), np.float32), passages=passages, of=20, kept=0.5)
    rows = map_rows(found, {f"d{n}": f"Title {n}" for n in range(10)}, "others")
    assert {row["group"] for row in rows} == {*(f"Title {n}" for n in range(8)), "others"}
    assert all(len(row["passage"]) <= 163 for row in rows)
    # what is named is drawn above the others, in a colour of its own
    assert [row["group"] == "others" for row in rows] == [True] * 4 + [False] * 16
    drawing = map_drawing(rows, "Document", "Passage", "others")
    assert "<b>" not in json.dumps(drawing)
    colour, shape = drawing["encoding"]["color"], drawing["encoding"]["shape"]
    assert colour["scale"]["domain"][-1] == "others"
    assert shape["scale"]["domain"] == colour["scale"]["domain"]
    assert len(set(colour["scale"]["range"])) == len(colour["scale"]["domain"]) == 9
    few = map_drawing(rows[4:], "Document", "Passage", "others")["encoding"]["color"]["scale"]
    assert len(few["domain"]) == len(few["range"]) == 8

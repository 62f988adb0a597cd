"""Tables of every format: names of columns and of merged cells stand in every row."""

from __future__ import annotations

import io

import docx
import openpyxl
import pptx
import pytest
from pptx.util import Inches

from ingest.conversion.convert import parse_bytes
from ingest.parsers.common.table_row import cell_at, row_at


def _lines(data: bytes, name: str) -> list[str]:
    return parse_bytes(data, name).text.split("\n")


def _page(rows: str) -> list[str]:
    return _lines(f"<table>{rows}</table>".encode(), "a.html")


def test_a_cell_over_several_rows_stands_in_each() -> None:
    rows = _page(
        "<tr><th>Line</th><th>Direction</th><th>First</th></tr>"
        "<tr><td rowspan=2>North line</td><td>to Alby</td><td>06:10</td></tr>"
        "<tr><td>from Alby</td><td>06:55</td></tr>"
    )
    assert rows[1] == "Line: North line; Direction: from Alby; from Alby First: 06:55"


def test_two_rows_of_names_belong_together() -> None:
    rows = _page(
        "<tr><th rowspan=2>Room</th><th colspan=2>Summer</th><th colspan=2>Winter</th></tr>"
        "<tr><th>Single</th><th>Double</th><th>Single</th><th>Double</th></tr>"
        "<tr><td>Garden</td><td>91</td><td>128</td><td>64</td><td>87</td></tr>"
    )
    assert rows == [
        "Room: Garden; Garden Summer Single: 91; Garden Summer Double: 128; "
        "Garden Winter Single: 64; Garden Winter Double: 87"
    ]


def test_a_blank_corner_is_no_end_of_the_names() -> None:
    rows = _page(
        "<tr><td></td><th>2021</th><th>2022</th></tr><tr><th>Wages</th><td>180</td><td>190</td></tr>"
    )
    assert rows == ["Wages; Wages 2021: 180; Wages 2022: 190"]


def test_a_cell_across_the_table_stands_over_the_rows_below() -> None:
    rows = _page(
        "<tr><th>Course</th><th>Day</th></tr><tr><td colspan=2>Winter term</td></tr>"
        "<tr><td>Maths</td><td>Tuesday</td></tr>"
    )
    assert rows == ["Winter term; Course: Maths; Maths Day: Tuesday"]


def test_names_that_are_repeated_are_said_once_and_new_ones_count() -> None:
    head = "<tr><th>Name</th><th>Age</th></tr>"
    rows = _page(f"{head}<tr><td>Ada</td><td>36</td></tr>{head}<tr><td>Alan</td><td>41</td></tr>")
    assert rows == ["Name: Ada; Ada Age: 36", "Name: Alan; Alan Age: 41"]
    rows = _page(
        f"{head}<tr><td>Ada</td><td>36</td></tr><tr><th>Town</th><th>Size</th></tr><tr><td>Rye</td><td>9</td></tr>"
    )
    assert rows == ["Name: Ada; Ada Age: 36", "Town: Rye; Rye Size: 9"]


def test_labels_and_values_are_no_names() -> None:
    text = "| Order: | 12 | Cinema: | Rex |\n|---|---|---|---|\n| Region: | North | Agent: | Ada |\n"
    assert _lines(text.encode(), "a.md") == ["Order: | 12 | Cinema: | Rex", "Region: | North | Agent: | Ada"]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Item,2021,2022\nWages,180,190\nRent,44,46\n", "Item: Wages; Wages 2021: 180; Wages 2022: 190"),
        (",FY2021,FY2022\nWages,180,190\nRent,44,46\n", "Wages; Wages FY2021: 180; Wages FY2022: 190"),
        ("Shop,Q1 2023,Q2 2023\nRye,18,19\nYork,4,6\n", "Shop: Rye; Rye Q1 2023: 18; Rye Q2 2023: 19"),
        ("Town,2024-01-01,2024-02-01\nRye,18,19\nYork,4,6\n",
         "Town: Rye; Rye 2024-01-01: 18; Rye 2024-02-01: 19"),
        ("Day,1,2,3\nRye,18,19,7\nYork,4,6,1\n", "Day: Rye; Rye 1: 18; Rye 2: 19; Rye 3: 7"),
        ("Sport,0-4,5-9,65+\nSwim,18,19,7\nRun,4,6,1\n",
         "Sport: Swim; Swim 0-4: 18; Swim 5-9: 19; Swim 65+: 7"),
        ("Region,Units,Total\nNorth,12,340\nTotal,32,950\n",
         "Region: North; North Units: 12; North Total: 340"),
        ("Region,2023,,2024,\n,Plan,Actual,Plan,Actual\nNorth,310,295,330,341\n",
         "Region: North; North 2023 Plan: 310; North 2023 Actual: 295; "
         "North 2024 Plan: 330; North 2024 Actual: 341"),
        ("Name,Age\n\nAda,36\nAlan,41\n", "Name: Ada; Ada Age: 36"),
        ("Name,Age\nAlan,41\n\nAda,36\n", "Name: Ada; Ada Age: 36"),
    ],
)  # fmt: skip
def test_what_names_the_columns_of_separated_values(text: str, row: str) -> None:
    assert row in _lines(text.encode(), "a.csv")


@pytest.mark.parametrize(
    "text", ["Ann,1984\nBob,1990\n", "2021-01-03,5.3\n2021-01-04,6.1\n", "1,2,3\n4,5,6\n"]
)
def test_values_are_not_taken_for_names(text: str) -> None:
    assert _lines(text.encode(), "a.csv")[0] == " | ".join(text.split("\n")[0].split(","))


def test_merged_cells_of_a_sheet() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Department", "2023", None], [None, "Plan", "Actual"], ["Chemistry", 140, 155], [None, 190, 180]
    ):  # fmt: skip
        sheet.append(row)
    for merged in ("A1:A2", "B1:C1", "A3:A4"):
        sheet.merge_cells(merged)
    buffer = io.BytesIO()
    book.save(buffer)
    assert _lines(buffer.getvalue(), "a.xlsx")[-2:] == [
        "Department: Chemistry; Chemistry 2023 Plan: 140; Chemistry 2023 Actual: 155",
        "Department: Chemistry; Chemistry 2023 Plan: 190; Chemistry 2023 Actual: 180",
    ]


def test_merged_cells_of_a_slide() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    table = slide.shapes.add_table(3, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, cells in enumerate((("Team", "Day"), ("Red", "Monday"), ("", "Tuesday"))):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    table.cell(1, 0).merge(table.cell(2, 0))
    buffer = io.BytesIO()
    deck.save(buffer)
    assert _lines(buffer.getvalue(), "a.pptx") == [
        "Team: Red; Day: Monday",
        "Team: Red; Day: Tuesday",
    ]


def test_merged_cells_of_a_word_table() -> None:
    document = docx.Document()
    table = document.add_table(3, 3)
    for row, cells in enumerate((("Floor", "Room", "Seats"), ("Ground", "Oak", "40"), ("", "Elm", "25"))):
        for column, cell in enumerate(cells):
            table.cell(row, column).text = cell
    table.cell(1, 0).merge(table.cell(2, 0))
    buffer = io.BytesIO()
    document.save(buffer)
    assert _lines(buffer.getvalue(), "a.docx")[-1] == "Floor: Ground; Room: Elm; Elm Seats: 25"


def test_merged_cells_of_restructured_text() -> None:
    text = (
        "+-------+------+------+\n| Line  | To   | At   |\n+=======+======+======+\n| North | Alby | 6:10 |\n"
        "|       +------+------+\n|       | Berg | 6:55 |\n+-------+------+------+\n"
    )
    assert _lines(text.encode(), "a.rst")[-1] == "Line: North; To: Berg; Berg At: 6:55"


def test_what_stands_between_the_cells_of_a_table_is_read() -> None:
    page = b"""<table>Prices of May<tr><th>Item</th><th>Price</th></tr>
    <form><tr><td>Rope</td><td>4</td></tr></form>
    <tr><div>Sold out: nets.</div></tr></table>
    <table><tr><td>Left</td></tr><tr><table><tr><td>Owner</td><td>Ida</td></tr></table></tr></table>"""
    text = parse_bytes(page, "t.html").text
    assert text == "Prices of May\n\nSold out: nets.\n\nItem: Rope; Rope Price: 4\n\nLeft\n\nOwner | Ida"


def _cell(text: str, words: str) -> tuple[str, str, str] | None:
    start = text.index(words)
    place = cell_at(text, start, start + len(words))
    return place and (place.row, place.column, text[place.start : place.end])


def test_a_cell_knows_its_row_and_its_column() -> None:
    text = parse_bytes(
        b"<p>Fees: see below; all in euros.</p><table><tr><th>Department<th>Course<th>Fee<th>Days</tr>"
        b"<tr><td rowspan=2>Chemistry<td>Titration<td>140<td>3</tr>"
        b"<tr><td>Spectroscopy; advanced<td>190<td>4</tr>"
        b"<tr><td>Physics<td>Optics<td>155<td>5</tr></table>",
        "a.html",
    ).text
    row = "Department: Chemistry; Course: Spectroscopy; advanced; Fee: 190; Days: 4"
    assert _cell(text, "190") == ("Spectroscopy; advanced", "Fee", row)
    assert _cell(text, "advanced") == ("Spectroscopy; advanced", "Course", row)
    optics = "Department: Physics; Physics Course: Optics; Physics Fee: 155; Physics Days: 5"
    assert _cell(text, "155") == ("Physics", "Fee", optics)
    assert _cell(text, "Fee: 190") is None
    assert _cell(text, "190; Days: 4\nDepartment") is None
    assert _cell(text, "see below") is None


def test_a_cell_below_words_across_the_table_and_a_nameless_corner() -> None:
    text = parse_bytes(
        b"<table><tr><th><th>2022<th>2023</tr><tr><th colspan=3>Costs</tr>"
        b"<tr><td>Wages<td>190<td>201</tr><tr><td>Rent<td>46<td>49</tr></table>",
        "a.html",
    ).text
    assert text.split("\n")[1] == "Costs; Rent; Rent 2022: 46; Rent 2023: 49"
    assert _cell(text, "46") == ("Rent", "2022", "Costs; Rent; Rent 2022: 46; Rent 2023: 49")


def test_a_cell_of_a_row_as_earlier_versions_wrote_it() -> None:
    text = "Item: Wages; 2022: 190; 2023: 201\nItem: Rent; 2022: 46; 2023: 49"
    assert _cell(text, "46") == ("Rent", "2022", "Item: Rent; 2022: 46; 2023: 49")


def test_prose_with_colons_is_no_row() -> None:
    text = "She said: we leave at nine; he said: nobody leaves.\nThey stayed.\n\nItem: Rope; Rope Price: 4"
    assert _cell(text, "nobody leaves") is None
    assert _cell(text, "stayed") is None
    assert _cell(text, "4") == ("Rope", "Price", "Item: Rope; Rope Price: 4")


def _row(text: str, words: str) -> str | None:
    start = text.index(words)
    row = row_at(text, start, start + len(words))
    return None if row is None else text[row.start : row.end]


def test_a_row_is_known_with_and_without_names_and_from_a_place_across_cells() -> None:
    text = "See `ls | wc` first.\n\nItem: Rope; Price: 4\nItem: Net; Price: 9\n\nRope | 4 | 12\nNet | 9 | 7"
    assert _row(text, "Price: 9") == "Item: Net; Price: 9"
    assert _row(text, "9 | 7") == "Net | 9 | 7"
    assert _row(text, "12\nNet") is None
    assert _row(text, "wc") is None

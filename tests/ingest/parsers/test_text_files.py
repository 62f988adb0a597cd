"""Text files by what they hold, whatever they are called: subtitles, LaTeX, contacts, sources."""

from __future__ import annotations

import pytest

from ingest.conversion.convert import parse_bytes

SENTENCE = "The pump in the cellar runs for nine minutes every hour and was serviced by Ada in May."


@pytest.mark.parametrize(
    "name",
    ["notes.adoc", "notes.tex", "talk.srt", "tool.1", "main.rs", "settings.ini", "server.log.1",
     "README.orig", "words.org", "notes", "limits.rst.inc", "page.md.tmpl"],
)  # fmt: skip
def test_any_text_file_is_read(name: str) -> None:
    assert parse_bytes(SENTENCE.encode(), name).text == SENTENCE


def test_the_suffix_before_an_unknown_one_counts() -> None:
    assert parse_bytes(
        b"Limits\n======\n\nAt most |n|.\n\n.. |n| replace:: 640 samples\n", "a.rst.inc"
    ).text == ("Limits\n\nAt most 640 samples.")


@pytest.mark.parametrize("name", ["a.srt", "a.vtt", "a.txt.part"])
def test_subtitles_without_their_times(name: str) -> None:
    head = "WEBVTT\n\n" if name == "a.vtt" else ""
    point = "." if name == "a.vtt" else ","
    cues = (
        f"1\n00:00:01{point}000 --> 00:00:03{point}000\n<i>The pump runs</i>\nfor nine minutes.\n\n"
        f"2\n00:00:04{point}000 --> 00:00:06{point}000\nAda came in May.\n"
    )
    document = parse_bytes((head + cues).encode(), name)
    assert document.type == "subtitles"
    assert document.text == "The pump runs for nine minutes.\n\nAda came in May."


def test_latex() -> None:
    text = (
        "\\documentclass{article}\\title{On pumps}\\begin{document}\n\\section{Cellar}\n"
        "The \\emph{pump} runs for nine min\\-utes --- 50\\,\\% more.\n\n% a comment\n\\end{document}"
    )
    document = parse_bytes(text.encode(), "a.tex")
    assert document.title == "On pumps"
    assert [heading.title for heading in document.headings] == ["Cellar"]
    assert "The pump runs for nine" in document.text
    assert "comment" not in document.text


def test_manual_pages() -> None:
    text = (
        ".TH PUMP 1\n.SH NAME\npump \\- runs the pump\n"
        ".SH OPTIONS\n.TP\n.B \\-\\-retries\nHow \\fIoften\\fR; 6.\n"
    )
    document = parse_bytes(text.encode(), "pump.1")
    assert document.text == "NAME\n\npump - runs the pump\n\nOPTIONS\n\n--retries How often; 6."
    assert [heading.title for heading in document.headings] == ["NAME", "OPTIONS"]


def test_asciidoc() -> None:
    text = "= Pumps\n:author: Ada\n\n== Cellar\n\nThe *pump* runs; see link:https://x.org[the plan].\n"
    document = parse_bytes(text.encode(), "a.adoc")
    assert document.text == "Pumps\n\nCellar\n\nThe pump runs; see the plan."


def test_bibliographies() -> None:
    text = (
        "@article{knuth84,\n  author = {Donald E. Knuth},\n"
        "  title = {Literate {P}rogramming},\n  year = 1984\n}\n"
    )
    document = parse_bytes(text.encode(), "a.bib")
    assert document.text == ("Literate Programming\narticle: knuth84\nauthor: Donald E. Knuth\nyear: 1984")


def test_contacts_and_calendars() -> None:
    card = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Bauer\r\nN:Bauer;Ada;;;\r\n"
        "TEL;TYPE=CELL:0160 555\r\nEND:VCARD\r\n"
    )
    assert parse_bytes(card.encode(), "a.vcf").text == "Ada Bauer\nPhone (cell): 0160 555"
    event = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20250304T101500\r\n"
        "SUMMARY:Board meeting\r\nLOCATION:Boathouse\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    text = parse_bytes(event.encode(), "a.ics").text
    assert text == "Board meeting\nStarts: 2025-03-04 10:15\nPlace: Boathouse"

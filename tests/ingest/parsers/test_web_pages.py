"""Web pages: what a person sees or opens is read, what every page of a site repeats is not."""

from __future__ import annotations

import pytest

from ingest.conversion.convert import parse_bytes

PROSE = "<p>This page lists what residents of the county can claim, where, and until when they can do so.</p>"


def _text(body: str) -> str:
    return parse_bytes(f"<html><body>{body}</body></html>".encode(), "a.html").text


@pytest.mark.parametrize(
    "opener",
    [
        "<h2><button class='accordion-button' type='button'>What does it cost?</button></h2>",
        "<h2><button>What does it cost?</button><span aria-hidden='true'></span></h2>",
        "<button class='accordion'>What does it cost?</button>",
        "<button aria-expanded='false' aria-controls='a'>What does it cost?</button>",
        "<details><summary>What does it cost?</summary></details>",
        "<div role='heading' aria-level='3'>What does it cost?</div>",
    ],
)
def test_what_opens_an_answer_is_its_heading(opener: str) -> None:
    body = (
        f"<main><h1>Help</h1>{PROSE}{opener}<div id='a' hidden class='panel'><p>Nine euros.</p></div></main>"
    )
    document = parse_bytes(body.encode(), "a.html")
    assert document.text.endswith("What does it cost?\n\nNine euros.")
    assert document.headings_at(document.text.index("Nine")) == ("Help", "What does it cost?")


def test_hidden_tabs_are_read_and_hidden_dialogs_are_not() -> None:
    text = _text(
        f"<h1>Lamp</h1>{PROSE}<a href='#size'>Size</a>"
        "<div id='size' style='display:none'>It is 40 cm high.</div>"
        "<div role='tabpanel' hidden>It weighs 2 kg.</div><div style='display: none'>Thank you!</div>"
        "<dialog>Subscribe</dialog>"
    )
    assert "40 cm" in text
    assert "2 kg" in text
    assert "Thank" not in text
    assert "Subscribe" not in text


@pytest.mark.parametrize(
    "callout",
    [
        "<aside class='caution'><p>The upgrade takes eleven minutes.</p></aside>",
        "<div class='alert' role='alert'><p>The upgrade takes eleven minutes.</p></div>",
        "<div role='note'>The upgrade takes eleven minutes.</div>",
        "<section id='social-security'><p>The upgrade takes eleven minutes of your time.</p></section>",
        "<div class='share-plan'><p>The upgrade takes eleven minutes of your time, no more.</p></div>",
        "<div class='menu'><p>Soup 5.20, and the upgrade takes eleven minutes of your time.</p></div>",
        "<footer>Mill Lane 12, tel. 01603 555 019; the upgrade takes eleven minutes.</footer>",
    ],
)
def test_what_a_person_sees_is_kept_whatever_it_is_called(callout: str) -> None:
    assert "eleven minutes" in _text(f"<div><h1>Benefits</h1>{PROSE}{callout}{PROSE}</div>")


def test_form_fields_and_drawings_are_read() -> None:
    text = _text(
        f"<h1>Boat</h1>{PROSE}<label>Name</label><input type='text' value='Seagull'>"
        "<label><input type='checkbox' checked>Insured</label><select><option>No</option>"
        "<option selected>Yes</option></select><textarea>White hull</textarea>"
        "<svg><text>Sales 2023</text><text>41 boats</text></svg>"
    )
    for words in ("Seagull", "[x] Insured", "Yes", "White hull", "Sales 2023; 41 boats"):
        assert words in text


def test_captions_in_tags_of_book_makers_are_read() -> None:
    text = '<Listing number="10-1" caption="A list of `Rc<T>`">\n\n```rust\nfn main() {}\n```\n\n</Listing>\n'
    assert parse_bytes(text.encode(), "a.md").text == "Listing 10-1: A list of `Rc<T>`\n\nfn main() {}"


def test_every_word_of_the_frame_is_counted() -> None:
    page = "<nav><a href=/a>Our boats</a> <a href=/b>Prices</a></nav><main><p>The harbour is open.</p></main>"
    document = parse_bytes(f"<html><body>{page}</body></html>".encode(), "a.html")
    assert document.text == "The harbour is open."
    assert document.warnings == ("3 words of the site's frame (head, foot, menus) were left out",)

"""The demo collection: enough of it, readable as a whole, and questions whose answers stand where they say.

What is tested here is the data and not the models: a wrong gold answer would make every figure that the
demo prints wrong.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest import Document, Rejected, ingest_paths
from qa.squad.dataset import Example, SquadFile, read_squad

DATA = Path(__file__).parents[2] / "data"
COLLECTION = DATA / "collection"
MAX_FILE_BYTES = 200_000
MAX_TOTAL_BYTES = 3_000_000
FORMATS = {"md", "txt", "rst", "html", "csv", "json", "eml", "pdf", "docx", "pptx", "xlsx", "epub", "odt"}
_SPACE = re.compile(r"\s+")


def _joined(text: str) -> str:
    """The text with every run of white space as one space, as the contexts are stored."""
    return _SPACE.sub(" ", text).strip()


@pytest.fixture(scope="module")
def parsed() -> list[Document | Rejected]:
    """What the product's own ingestion makes of the collection."""
    return list(ingest_paths([COLLECTION]))


@pytest.fixture(scope="module")
def documents(parsed: list[Document | Rejected]) -> dict[str, Document]:
    """The documents by their path below the collection."""
    return {
        Path(item.path).relative_to(COLLECTION).as_posix(): item
        for item in parsed
        if isinstance(item, Document)
    }


@pytest.fixture(scope="module")
def questions() -> SquadFile:
    return read_squad(DATA / "questions.json")


@pytest.fixture(scope="module")
def chinese_questions() -> SquadFile:
    return read_squad(DATA / "questions-zh.json")


def test_every_file_is_read(parsed: list[Document | Rejected]) -> None:
    assert [item for item in parsed if isinstance(item, Rejected)] == []


def test_collection_is_large_and_mixed_enough(documents: dict[str, Document]) -> None:
    assert len(documents) >= 32
    assert {document.type for document in documents.values()} >= FORMATS
    assert len({Path(name).parts[0] for name in documents}) >= 2


def test_collection_stays_small() -> None:
    sizes = [path.stat().st_size for path in COLLECTION.rglob("*") if path.is_file()]
    assert max(sizes) < MAX_FILE_BYTES
    assert sum(sizes) < MAX_TOTAL_BYTES


def test_languages_are_told_by_their_pages(documents: dict[str, Document]) -> None:
    for name, document in documents.items():
        if "/zh/" in name or ".zh." in name:
            assert document.language == "zh", name
        elif "/de/" in name or ".de." in name:
            assert document.language == "de", name
        elif ".fr." in name:
            assert document.language == "fr", name
        else:
            assert document.language == "en", name


def test_chinese_pages_of_the_handbook(documents: dict[str, Document]) -> None:
    pages = [
        name for name, item in documents.items() if item.language == "zh" and name.startswith("handbook/")
    ]
    assert len(pages) >= 2


def test_pages_and_headings_are_found(documents: dict[str, Document]) -> None:
    chapter = documents["handbook/21-fine-tuning-roberta.pdf"]
    assert [page.number for page in chapter.pages] == [1, 2, 3, 4]
    assert chapter.headings_at(chapter.text.index("published by Edward Hu")) == (
        "Fine-tuning RoBERTa",
        "Training only a part",
    )
    protocol = documents["harbour_town/lab-protocol.docx"]
    assert protocol.headings_at(protocol.text.index("Dinophysis"))[-1] == "Alarm"
    assert "Mouth of the Calder" in protocol.text
    slides = documents["harbour_town/lifeboat-training.pptx"]
    assert slides.page_at(slides.text.index("launched 48 times")) == 4


def test_questions_are_many_and_well_formed(questions: SquadFile) -> None:
    examples = questions.examples
    assert questions.wrong_offsets == 0
    assert sum(example.answerable for example in examples) >= 75
    assert sum(not example.answerable for example in examples) >= 36
    assert len({example.id for example in examples}) == len(examples)
    assert len({example.question.casefold() for example in examples}) == len(examples)
    assert all(example.question.endswith("?") for example in examples)


def test_answerable_questions_cover_the_collection(questions: SquadFile) -> None:
    titles = {example.title for example in questions.examples if example.answerable}
    assert len(titles) >= 25
    assert {Path(title).suffix.lstrip(".") for title in titles} >= FORMATS


def test_gold_answers_are_short_and_trimmed(questions: SquadFile, chinese_questions: SquadFile) -> None:
    for example in (*questions.examples, *chinese_questions.examples):
        for answer in example.answers:
            assert answer.text == answer.text.strip(), example.id
            assert 0 < len(answer.text.split()) <= 10, example.id
        assert len(set(example.answer_texts)) == len(example.answers), example.id


def test_contexts_stand_in_the_parsed_documents(
    questions: SquadFile, chinese_questions: SquadFile, documents: dict[str, Document]
) -> None:
    texts = {name: _joined(document.text) for name, document in documents.items()}
    for example in (*questions.examples, *chinese_questions.examples):
        assert example.title in texts, example.id
        assert texts[example.title].count(example.context) == 1, (example.id, example.title)


def _page_of(example: Example, document: Document) -> int | None:
    """The page on which the first gold answer stands; the context is found whatever its line breaks are."""
    words = r"\s+".join(re.escape(word) for word in example.context.split(" "))
    found = re.search(words, document.text)
    assert found is not None, example.id
    lead = example.context[: example.answers[0].start]
    blanks = r"\s+".join(re.escape(part) for part in lead.split(" "))
    before = re.match(blanks, document.text[found.start() :])
    assert before is not None, example.id
    return document.page_at(found.start() + before.end())


def test_questions_reach_the_later_pages_of_the_pdf(
    questions: SquadFile, documents: dict[str, Document]
) -> None:
    name = "handbook/21-fine-tuning-roberta.pdf"
    pages = {
        _page_of(example, documents[name])
        for example in questions.examples
        if example.title == name and example.answerable
    }
    assert pages >= {2, 3, 4}


def test_chinese_questions_point_at_chinese_pages(
    chinese_questions: SquadFile, documents: dict[str, Document]
) -> None:
    assert len(chinese_questions.examples) >= 4
    assert chinese_questions.wrong_offsets == 0
    assert all(example.answerable for example in chinese_questions.examples)
    assert {documents[example.title].language for example in chinese_questions.examples} == {"zh"}


def test_data_holds_no_python() -> None:
    assert list(DATA.rglob("*.py")) == []

import pytest

from ingest.text.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The ship left the harbour at dawn and turned north along the coast.", "en"),
        ("Das Schiff verließ den Hafen im Morgengrauen und fuhr nach Norden.", "de"),
        ("Le navire a quitté le port à l'aube et a mis le cap au nord.", "fr"),
        ("自然语言处理", "zh"),
        ("自然語言處理是人工智慧的一個分支", "zh"),
        ("BERT 模型使用 Transformer 的编码器", "zh"),
        ("こんにちは世界", "ja"),
        ("안녕하세요", "ko"),
        ("Γειά σου Κόσμε", "el"),
        ("שלום עולם", "he"),
        ("สวัสดี", "th"),
    ],
)
def test_languages_are_told(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    "text",
    ["", "   \n", "404 error", "12345 67.890 -- 11", "OK", "https://example.org/de/straße", "x | x | " * 80],
)
def test_what_cannot_be_known_is_not_guessed(text: str) -> None:
    assert detect_language(text) == "und"


def test_the_whole_text_counts_and_not_its_title_page() -> None:
    title = "Ein deutscher Titel, der auf der ersten Seite steht. " * 3
    body = "The body of the document is written in English, page after page of it. " * 200
    assert detect_language(title + body) == "en"


def test_the_same_text_gives_the_same_language() -> None:
    text = "Et dokument om skibe og havne, men not a very long one, my friend"
    assert len({detect_language(text) for _ in range(5)}) == 1

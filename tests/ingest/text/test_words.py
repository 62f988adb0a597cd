"""Pieces to words: by how people see words, whatever vocabulary cut them."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.text.tokenizer import TextTokenizer
from ingest.text.words import word_numbers, word_spans


@pytest.mark.parametrize("name", ["pocket", "roberta", "xlm-roberta"])
def test_every_vocabulary_gives_the_same_words(tokenizers: dict[str, TextTokenizer], name: str) -> None:
    text = "The lighthouse-keeper's log: 3.14 knots, don't panic"
    tokens = tokenizers[name].encode(text)
    numbers = word_numbers(text, tokens.offsets)
    words = [text[start:end] for start, end in word_spans(numbers, tokens.offsets).tolist()]
    assert words == [
        *("The", "lighthouse", "-", "keeper's", "log", ":", "3.14", "knots", ",", "don't", "panic")
    ]


def test_pieces_that_show_nothing_belong_to_no_word() -> None:
    offsets = np.array([[0, 0], [0, 2], [2, 4], [4, 4], [5, 6]])
    assert word_numbers("abcd e", offsets).tolist() == [-1, 0, 0, -1, 1]
    assert word_spans(np.array([-1]), np.array([[0, 0]])).shape == (0, 2)

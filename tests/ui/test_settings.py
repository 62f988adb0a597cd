"""Precedence of flags, environment and defaults."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ui.settings import data_folder, load_settings, merge_models, prepare_environment


def test_flags_win_over_the_environment_and_that_over_the_defaults() -> None:
    environ = {"SPANWISE_STORE": "/env/store", "SPANWISE_MODELS": "base"}
    assert load_settings({}, environ={}).store == data_folder() / "library"
    assert load_settings({}, environ={}).models is None
    assert load_settings({}, environ=environ).store == Path("/env/store")
    assert load_settings({}, environ=environ).models == "base"
    given = load_settings({"store": "/flag/store", "models": "large"}, environ=environ)
    assert (given.store, given.models, given.store_given) == (Path("/flag/store"), "large", True)
    assert not load_settings({}, environ=environ).store_given


def test_an_empty_variable_counts_as_not_set() -> None:
    settings = load_settings({}, environ={"SPANWISE_STORE": "", "SPANWISE_MODELS": "", "SPANWISE_DEBUG": ""})
    assert settings.store == data_folder() / "library"
    assert settings.models is None
    assert not settings.debug


def test_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("USERPROFILE", "/home/someone")
    assert load_settings({"store": "~/books"}, environ={}).store == Path("/home/someone/books")


@pytest.mark.parametrize(
    ("models", "encoder", "reader", "merged"),
    [
        (None, None, None, None),
        ("base", None, None, "base"),
        ("a,b", None, None, "a,b"),
        (None, "e", None, "e,"),
        (None, None, "r", ",r"),
        (None, "e", "r", "e,r"),
        ("base", "e", None, "e,base"),
        ("base", None, "r", "base,r"),
        ("a,b", "e", None, "e,b"),
        ("a,", None, "r", "a,r"),
        (",b", "e", None, "e,b"),
    ],
)
def test_the_narrower_flag_replaces_its_side(
    models: str | None, encoder: str | None, reader: str | None, merged: str | None
) -> None:
    assert merge_models(models, encoder, reader) == merged


def test_colour_is_for_terminals_that_want_it() -> None:
    assert load_settings({}, environ={}, terminal=True).colour
    assert not load_settings({}, environ={}, terminal=False).colour
    assert not load_settings({}, environ={"NO_COLOR": "1"}, terminal=True).colour
    assert not load_settings({}, environ={"TERM": "dumb"}, terminal=True).colour


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    monkeypatch.delenv("TRANSFORMERS_VERBOSITY", raising=False)
    prepare_environment()
    assert os.environ["TOKENIZERS_PARALLELISM"] == "true"
    assert os.environ["TRANSFORMERS_VERBOSITY"] == "error"


@pytest.mark.parametrize(("policy", "spins"), [(None, "3000"), ("ACTIVE", None)])
def test_threads_that_wait_give_way(
    monkeypatch: pytest.MonkeyPatch, policy: str | None, spins: str | None
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that what is set below does not outlive the test
        monkeypatch.delenv(name)
    if policy:
        monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    prepare_environment()
    assert os.environ.get("GOMP_SPINCOUNT") == spins

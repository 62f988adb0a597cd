"""Filters and settings of reading: two popovers that write into the address.

The address is the truth (`url_state`): before a widget is drawn it is set to what the address says, and a
choice in it goes into the address first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath
from typing import Any

import streamlit as st

from index.records import Hit
from ui.render import phrasing
from ui.render.messages import Say
from ui.services.facets import common_folder, facets
from ui.services.library import Contents, Library
from ui.services.url_state import DATES, FEWEST, LISTS, MOST, USUAL, Choices, read_choices


def chosen() -> Choices:
    """What the address says."""
    return read_choices({key: st.query_params.get_all(key) for key in st.query_params})


def show_where(library: Library, contents: Contents, hits: Sequence[Hit], say: Say) -> None:
    """The filters, each value with the number of documents behind it and of the present hits among them."""
    choices = chosen()
    count = choices.restrictions
    label = say("filter.where_chosen", count=count) if count else say("filter.where")
    with st.popover(label, icon=":material/filter_list:", key="where", on_change="rerun") as opened:
        if not opened.open:
            return
        counts = facets(contents.documents, library.labelled(), choices, hits)
        all_documents = say.count("document", len(contents.documents))
        left = say("filter.left", documents=f"{counts.passing:,}", all=all_documents)
        st.caption(f"{left}. {say('filter.counts')}" if hits else left)
        for name in LISTS:
            if counts.values[name]:
                _choose_among(name, counts.values[name], counts.found[name] if hits else None, choices, say)
        _choose_days(choices, say)
        st.button(say("filter.clear"), key="clear_filters", on_click=_clear, disabled=not count)


def offer_everywhere(say: Say) -> None:
    """The way out where filters leave nothing: a button that takes them away."""
    if chosen().restrictions:
        st.button(say("filter.clear"), key="look_everywhere", on_click=_clear)


def show_how(say: Say) -> None:
    """How much is read and how sure an answer must be."""
    choices = chosen()
    with st.popover(say("filter.how"), icon=":material/tune:", key="how", on_change="rerun") as opened:
        if not opened.open:
            return
        _set("k", choices.passages)
        st.slider(
            say("filter.passages"), FEWEST, MOST, step=5, key="choice_k", on_change=_write, args=("k", USUAL)
        )
        _set("own", choices.min_confidence is not None)
        st.toggle(
            say("filter.own_threshold"),
            help=say("filter.own_threshold_help"),
            key="choice_own",
            on_change=_write_own,
        )
        if choices.min_confidence is not None:
            _set("sure", round(100 * choices.min_confidence))
            st.slider(
                say("filter.threshold"), 0, 100, step=5, key="choice_sure", on_change=_write, args=("sure",)
            )
        _set("guess", choices.always_answer)
        st.toggle(
            say("filter.guess"), help=say("filter.guess_help"), key="choice_guess", on_change=_write_guess
        )


def _choose_among(
    name: str, values: Mapping[str, int], found: Mapping[str, int] | None, choices: Choices, say: Say
) -> None:
    shared = f"{PurePosixPath(common_folder(values)).parent}/" if name == "folder" else ""
    given = {
        "folder": choices.folders,
        "type": choices.types,
        "language": choices.languages,
        "label": choices.labels,
    }

    def label(value: str) -> str:
        shown = (
            phrasing.language_name(value, say) if name == "language" else value.removeprefix(shared) or value
        )
        documents = f"{values.get(value, 0):,}"
        if found is None:
            return say("filter.value", value=shown, documents=documents)
        return say("filter.value_found", value=shown, documents=documents, found=found.get(value, 0))

    _set(name, list(given[name]))
    st.multiselect(
        say(f"filter.{name}"),
        list(values),
        format_func=label,
        key=f"choice_{name}",
        placeholder=say("filter.all"),
        on_change=_write,
        args=(name,),
    )


def _choose_days(choices: Choices, say: Say) -> None:
    with st.container(horizontal=True, gap="small"):
        for name, day in zip(DATES, (choices.since, choices.until), strict=True):
            _set(name, day)
            st.date_input(
                say(f"filter.{name}"),
                key=f"choice_{name}",
                on_change=_write,
                args=(name,),
                max_value=date.max,
            )


def _set(name: str, value: Any) -> None:
    """Set the value that the widget of that name shows."""
    st.session_state[f"choice_{name}"] = value


def _write(name: str, usual: Any = None) -> None:
    value = st.session_state[f"choice_{name}"]
    if value == usual or value in (None, []):
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value if isinstance(value, list) else str(value)


def _write_own() -> None:
    if st.session_state.choice_own:
        st.query_params["sure"] = "30"
    else:
        st.query_params.pop("sure", None)


def _write_guess() -> None:
    if st.session_state.choice_guess:
        st.query_params["guess"] = "1"
    else:
        st.query_params.pop("guess", None)


def _clear() -> None:
    for name in (*LISTS, *DATES):
        st.query_params.pop(name, None)

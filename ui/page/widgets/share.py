"""Sharing a result: its citation, its link, and files to download."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

import streamlit as st

from qa.records import AskResult
from ui.render.citation import as_csv, as_json, as_markdown, citation
from ui.render.messages import Say
from ui.services.url_state import carried


def show_share(result: AskResult, say: Say) -> None:
    """Draw the popover; its content is made when it is opened."""
    with st.popover(
        say("share.title"), icon=":material/ios_share:", key="share", on_change="rerun"
    ) as opened:
        if not opened.open:
            return
        if result.shown:
            st.caption(say("share.citation"))
            # st.code shows text as it stands and has a button that copies it
            today = datetime.now().astimezone().date()
            st.code(citation(result.shown[0], say, today), language=None, wrap_lines=True)
        st.caption(say("share.link"))
        parameters = carried({key: st.query_params.get_all(key) for key in st.query_params})
        st.code(
            f"{(st.context.url or '').rstrip('/')}/?{urlencode(parameters)}", language=None, wrap_lines=True
        )
        with st.container(horizontal=True, gap="small"):
            for form, data, mime in (
                ("JSON", as_json(result), "application/json"),
                ("CSV", as_csv(result), "text/csv"),
                ("Markdown", as_markdown(result, say), "text/markdown"),
            ):
                suffix = {"Markdown": "md"}.get(form, form.lower())
                st.download_button(
                    say("share.as", form=form),
                    data,
                    file_name=f"answer.{suffix}",
                    mime=mime,
                    key=f"download_{suffix}",
                    on_click="ignore",
                )

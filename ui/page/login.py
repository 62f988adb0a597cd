"""The login: asks for the password, once a session, before anything of the store is shown."""

from __future__ import annotations

import streamlit as st

from ui.page.fragments import base
from ui.render.messages import Say
from ui.services.password import is_loopback, opens


def admitted(password: str | None, say: Say) -> bool:
    """Whether this session may see the page; draws the form for the password where it may not."""
    if password is None or st.session_state.get("admitted") is True:
        return True
    st.html(base.lead("Spanwise", say("door.lead")))
    with st.form("door", border=False):
        typed = st.text_input(say("door.password"), type="password", key="password")
        submitted = st.form_submit_button(say("door.open"), type="primary", key="door_button")
    if submitted and typed and opens(typed, password):
        st.session_state.admitted = True
        st.rerun()
    if submitted:
        st.html(base.failure(say("door.wrong"), say("door.hint"), say))
    return False


def is_local() -> bool:
    """Whether only this computer reaches the page."""
    return is_loopback(st.get_option("server.address") or "")

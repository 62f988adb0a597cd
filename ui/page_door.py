"""The door of the page: asks for the password, once a session, before anything of the store is shown."""

from __future__ import annotations

import streamlit as st

from ui import views
from ui.door import opens


def admitted(password: str | None) -> bool:
    """Whether this session may see the page; draws the question for the password where it may not."""
    if password is None or st.session_state.get("admitted") is True:
        return True
    st.html(views.door())
    with st.form("door", border=False):
        typed = st.text_input("Password", type="password", key="password")
        asked = st.form_submit_button("Open", type="primary", key="door_button")
    if asked and typed and opens(typed, password):
        st.session_state.admitted = True
        st.rerun()
    if asked:
        st.html(views.failure("This is not the password.", "It was shown where `spanwise ui` was started."))
    return False

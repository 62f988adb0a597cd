"""Pieces of HTML, from records to strings; no Streamlit here."""

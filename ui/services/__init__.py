"""What the page and the commands share; no Streamlit here."""

"""The web page, in Streamlit."""

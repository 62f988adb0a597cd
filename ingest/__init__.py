"""From files to documents to passages: finding, parsing, normalising, language, chunking."""

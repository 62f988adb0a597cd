"""How fast answering is."""

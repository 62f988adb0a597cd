"""From records to words, JSON, terminal text and tables."""

"""Labelled files of all kinds, read into records."""

"""Checkpoints, vectors, the store and retrieval."""

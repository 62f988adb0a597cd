"""Vector search: immutable FAISS segments; the only place that knows FAISS."""

"""BM25 search; the only place that knows tantivy."""

"""One ingest run: which files changed, their passages, their vectors, the commits."""

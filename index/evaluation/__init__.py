"""How good retrieval, chunking, labels and vectors are."""

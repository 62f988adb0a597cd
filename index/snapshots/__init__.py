"""From a revision of the SQL side to both search indexes, published atomically."""

"""One module for each step from a schema to the next; see `index.sql.migrations`."""

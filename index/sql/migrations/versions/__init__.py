"""One module for each step from a schema to the next."""

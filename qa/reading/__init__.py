"""From a question and texts to answer spans."""

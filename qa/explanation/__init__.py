"""Why the model gave an answer."""

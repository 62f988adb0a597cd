"""Characters, encodings, languages, words, sentences and tokens."""

"""From texts to vectors and labels: encoder, vectorizer, masked language model, classifier."""

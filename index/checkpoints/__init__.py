"""From a model's name to its files: presets, hub, configuration, weights, tokenizer."""

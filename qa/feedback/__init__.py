"""Verdicts of people on answers, and learning from them."""

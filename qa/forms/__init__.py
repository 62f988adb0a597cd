"""The form of a question and of its answer: its kind, the unit of an answer, evidence in a sentence."""

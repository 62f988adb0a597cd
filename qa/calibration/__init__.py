"""From labelled questions to a fitted decision: confidence and threshold."""

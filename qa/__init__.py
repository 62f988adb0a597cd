"""Reading: windows, spans, the one decision about an answer, and how good it is."""

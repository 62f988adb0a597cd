"""What the parsers of several formats share."""

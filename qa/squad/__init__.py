"""SQuAD files and the official scores."""

"""From the bytes of a file to a Document, in a child process with limits."""

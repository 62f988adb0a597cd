"""The command line and the page: everything a person sees, and nothing that knows how an answer is found."""

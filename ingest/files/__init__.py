"""Which files there are below the given paths, and the bytes of each as of one moment."""

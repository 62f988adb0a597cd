"""What the store and its indexes cost at a size."""

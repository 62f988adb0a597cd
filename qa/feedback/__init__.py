"""What people said of answers, and learning from it."""

"""Documents, passages, vectors and annotations in SQL, the one truth; nothing else knows SQLAlchemy."""

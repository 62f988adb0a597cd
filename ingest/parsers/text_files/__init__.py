"""Text files with a form of their own: markup for people, subtitles, records."""

"""PDF: lines, columns, paragraphs, running headers, hyphenation, OCR."""

"""Converters: one function per format that reads bytes and appends what it finds to a `TextBuilder`.

A converter never sees offsets, languages or identities, and raises `UnparsableError` for a file that it
cannot read. `ingest.conversion.formats` says which one serves which format; heavy libraries are imported by
the converter's own module only, so that a folder of plain text never pays for a PDF engine.
"""

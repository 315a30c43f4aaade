"""Readers and writers of data formats: bytes in, values out, `FormatError` for the rest."""

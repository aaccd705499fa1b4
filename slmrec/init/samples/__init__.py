"""A bounded look into each raw file: compression, encoding, format, header and some rows."""

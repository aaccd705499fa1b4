"""Raw files as rows, bad lines apart."""

"""The other libraries' side of the measurements; each file runs in its library's environment."""

"""The rules that size settings to the logs; the table of them is slmrec/init/sizing.py."""

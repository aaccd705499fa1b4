"""Rows to events, numbered and in total order, only new files read again."""

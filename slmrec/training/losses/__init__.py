"""Losses over the item embedding and over hidden states."""

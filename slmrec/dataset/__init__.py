"""Histories in memory and the batches made of them."""

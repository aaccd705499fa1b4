"""Tests of slmrec/tuning."""

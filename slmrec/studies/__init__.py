"""Depth study and ablation on the project's own data."""

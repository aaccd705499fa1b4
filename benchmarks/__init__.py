"""Measurements side by side; results lie beside them, with the machine they ran on."""

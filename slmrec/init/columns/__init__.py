"""What columns mean, by their values first and their names second."""

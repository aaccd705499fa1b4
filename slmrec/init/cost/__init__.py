"""What a run will take on this machine, and what is cut where a budget asks for less."""

"""Published versions: the gate before them, the pointer that services follow, the way back."""

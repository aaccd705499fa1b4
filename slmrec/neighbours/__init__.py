"""Item neighbours by transitions and titles: a baseline, and part of what is served."""

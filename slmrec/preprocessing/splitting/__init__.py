"""Events to histories, targets and training windows."""

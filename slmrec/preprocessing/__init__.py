"""Raw logs to training windows."""

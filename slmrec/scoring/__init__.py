"""Lists or vectors for whole tables of histories: streamed, in several processes, resumed."""

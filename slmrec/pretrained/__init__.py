"""What a pretrained LLM gives: layers to start from, vectors of titles."""

"""A student becomes a verified ONNX bundle."""

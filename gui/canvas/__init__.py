"""The canvas: the picture, the generation frame on it, and the tools that paint."""

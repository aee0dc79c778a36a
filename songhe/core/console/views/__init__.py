"""The kit's views; each parses, calls one service or selector, and shows."""

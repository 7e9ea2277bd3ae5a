"""Saved models: their cards, where they are, and running them by ONNX Runtime."""

"""Saved models: cards, files, and inference with ONNX Runtime."""

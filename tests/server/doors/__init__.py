"""Tests of the doors for clients of other plate readers."""

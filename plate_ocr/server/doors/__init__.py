"""The doors for clients of other plate readers: what these ask for and expect, one module a family."""

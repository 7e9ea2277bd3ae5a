"""Telling people and machines: which lists a plate is on, and what is delivered to channels."""

"""Tests of lists, channels and deliveries."""

"""Whole studies as functions that return frames: succession, emergence."""

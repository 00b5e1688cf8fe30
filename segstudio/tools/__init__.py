"""Mask tools: one file, one tool."""

"""Panels around the panes; each shows topics of the project and computes nothing."""

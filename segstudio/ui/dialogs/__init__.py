"""Dialogs; none is open while work is running."""

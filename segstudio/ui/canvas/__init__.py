"""The linked panes: what is drawn, where the pointer is, which pixels change."""

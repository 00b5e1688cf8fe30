"""What panels show in the centre of the window, in place of the panes."""

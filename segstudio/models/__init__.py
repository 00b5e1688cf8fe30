"""Networks: one file, one network; keras is imported inside `build` only."""

"""Image files and dataset folders: reading pictures and masks, finding pairs; one file, one format."""

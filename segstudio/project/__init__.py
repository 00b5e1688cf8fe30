"""The project on disk: the SQLite index, mask files and their revisions, runs and predictions."""

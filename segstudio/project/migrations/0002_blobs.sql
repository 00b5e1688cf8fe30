-- Where the predictions of a run are worst, so that nobody who walks from error to error waits for files.

CREATE TABLE blobs (
    run_id    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    tolerance INTEGER NOT NULL,              -- pixels; see core/blobs.py
    sample_id INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    found     BLOB NOT NULL,                 -- the worst blobs without those that were kept; see project/blob_table.py
    PRIMARY KEY (run_id, tolerance, sample_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_by_sample ON blobs (sample_id);

CREATE TABLE kept (
    run_id    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    sample_id INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    pixels    BLOB NOT NULL,                 -- an Edit: where somebody decided that the mask is right and the run wrong
    PRIMARY KEY (run_id, sample_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_by_sample ON kept (sample_id);

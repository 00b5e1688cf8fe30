-- The threshold that was chosen for a run, and what each of its predictions would count at any other.

ALTER TABLE run ADD COLUMN threshold REAL NOT NULL DEFAULT 0.5;

CREATE TABLE histogram (
    run_id    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    sample_id INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    has_mask  INTEGER NOT NULL,              -- whether it parts true foreground from background
    counts    BLOB NOT NULL,                 -- see core/threshold.py
    PRIMARY KEY (run_id, sample_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX histogram_by_sample ON histogram (sample_id);

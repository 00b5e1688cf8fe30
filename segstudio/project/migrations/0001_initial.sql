-- The index of a project. Masks, predictions and weights are files; this holds what is searched, sorted and changed together.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL                      -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE sample (
    id            INTEGER PRIMARY KEY,
    image         TEXT NOT NULL UNIQUE,      -- path below the source, forward slashes
    truth         TEXT,                      -- path of the dataset's own mask below the source
    stem          TEXT NOT NULL UNIQUE,      -- where the sample's files lie below masks/, history/, predictions/
    position      INTEGER NOT NULL,          -- place in the natural order of names
    width         INTEGER NOT NULL,
    height        INTEGER NOT NULL,
    state         TEXT NOT NULL DEFAULT 'todo'
                  CHECK (state IN ('todo', 'corrected', 'accepted', 'flagged', 'rejected')),
    state_changed TEXT,                      -- ISO 8601, UTC
    split         TEXT NOT NULL CHECK (split IN ('train', 'val', 'test')),
    group_name    TEXT NOT NULL DEFAULT '',
    problem       TEXT NOT NULL DEFAULT '',
    foreground    REAL,                      -- share of the area that the current mask covers
    revision      INTEGER NOT NULL DEFAULT 0,
    is_sealed     INTEGER NOT NULL DEFAULT 0,
    mask_size     INTEGER,                   -- of the file in masks/, as it was last seen
    mask_mtime_ns INTEGER,
    mask_sha256   TEXT,
    tick          INTEGER NOT NULL DEFAULT 0 -- rises with every change, so that a snapshot can be brought up to date
) STRICT;
CREATE INDEX sample_by_tick ON sample (tick);

CREATE TABLE revision (
    sample_id  INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    created    TEXT NOT NULL,
    sha256     TEXT NOT NULL,                -- of the PNG file
    foreground REAL,                         -- share of the area that it covers, when known
    PRIMARY KEY (sample_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id            INTEGER PRIMARY KEY,
    created       TEXT NOT NULL,
    status        TEXT NOT NULL
                  CHECK (status IN ('running', 'finished', 'stopped', 'failed', 'lost', 'cancelled')),
    preset        TEXT NOT NULL,
    model         TEXT NOT NULL,
    start         TEXT NOT NULL,
    options       TEXT NOT NULL,             -- JSON
    note          TEXT NOT NULL DEFAULT '',
    epochs        INTEGER NOT NULL DEFAULT 0,
    best_epoch    INTEGER,
    best_val_iou  REAL,
    best_val_loss REAL,
    seconds       REAL NOT NULL DEFAULT 0,
    device        TEXT NOT NULL DEFAULT '',
    precision     TEXT NOT NULL DEFAULT '',
    message       TEXT NOT NULL DEFAULT '',
    host          TEXT NOT NULL DEFAULT '',  -- which process trains it, to notice its death
    pid           INTEGER,
    pid_started   REAL
) STRICT;

CREATE TABLE prediction (
    run_id      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    sample_id   INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    uncertainty REAL NOT NULL,
    foreground  REAL NOT NULL,               -- share of the area predicted as foreground
    change      REAL,                        -- share of the area predicted otherwise than by the run before
    tp INTEGER, fp INTEGER, fn INTEGER, tn INTEGER,   -- pixels, against the current mask
    iou REAL, dice REAL, "precision" REAL, recall REAL,
    PRIMARY KEY (run_id, sample_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX prediction_by_sample ON prediction (sample_id);

CREATE TABLE problem (
    path    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (path, reason)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER sample_changed AFTER UPDATE OF
    image, truth, stem, position, width, height, state, split, group_name, problem, foreground, revision ON sample
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.id;
END;
CREATE TRIGGER prediction_added AFTER INSERT ON prediction
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.sample_id;
END;
CREATE TRIGGER prediction_changed AFTER UPDATE ON prediction
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.sample_id;
END;
CREATE TRIGGER prediction_removed AFTER DELETE ON prediction
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = OLD.sample_id;
END;

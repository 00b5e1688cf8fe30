BEGIN TRANSACTION;
CREATE TABLE act (
    id        INTEGER PRIMARY KEY,
    created   TEXT NOT NULL,
    title     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    is_undone INTEGER NOT NULL DEFAULT 0,
    change    BLOB NOT NULL                  -- compressed JSON; see project/acts.py
) STRICT;
CREATE TABLE blobs (
    run_id    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    tolerance INTEGER NOT NULL,              -- pixels; see core/blobs.py
    sample_id INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    found     BLOB NOT NULL,                 -- the worst blobs without those that were kept; see project/blob_table.py
    PRIMARY KEY (run_id, tolerance, sample_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "blobs" VALUES(1,0,1,X'0001000000010000000C00000000000040');
CREATE TABLE histogram (
    run_id    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    sample_id INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    has_mask  INTEGER NOT NULL,              -- whether it parts true foreground from background
    counts    BLOB NOT NULL,                 -- see core/threshold.py
    PRIMARY KEY (run_id, sample_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "histogram" VALUES(1,1,1,X'780163601805A321301A02B842800797C4A8F868088C86C0B00F019661EE430046000011');
CREATE TABLE kept (
    run_id    INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    sample_id INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    pixels    BLOB NOT NULL,                 -- an Edit: where somebody decided that the mask is right and the run wrong
    PRIMARY KEY (run_id, sample_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "kept" VALUES(1,1,X'010400000004000000000000000000000001000000010000000400010000006B657074000000000000000078016B60000001020081');
CREATE TABLE prediction (
    run_id      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    sample_id   INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    uncertainty REAL NOT NULL,
    foreground  REAL NOT NULL,               -- share of the area predicted as foreground
    change      REAL,                        -- share of the area predicted otherwise than by the run before
    tp INTEGER, fp INTEGER, fn INTEGER, tn INTEGER,   -- pixels, against the current mask
    iou REAL, dice REAL, "precision" REAL, recall REAL, uncertainty_kind TEXT NOT NULL DEFAULT 'probability'
    CHECK (uncertainty_kind IN ('probability', 'horizontal', 'all')), expected REAL, way TEXT,
    PRIMARY KEY (run_id, sample_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "prediction" VALUES(1,1,4.31372523307800292968e-01,1.0,NULL,4,12,0,0,0.25,0.4,0.25,1.0,'probability',NULL,NULL);
CREATE TABLE problem (
    path    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (path, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO "problem" VALUES('c.png','the file is damaged','2026-11-22T04:56:35.893+00:00');
CREATE TABLE revision (
    sample_id  INTEGER NOT NULL REFERENCES sample (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    created    TEXT NOT NULL,
    sha256     TEXT NOT NULL,                -- of the PNG file
    foreground REAL,                         -- share of the area that it covers, when known
    PRIMARY KEY (sample_id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "revision" VALUES(1,1,'2026-11-22T04:56:35.944+00:00','b88b918189301e419604b727f3a6d6f9417d2646a490f9eeeac74cb5cbb7c4a8',1.0);
INSERT INTO "revision" VALUES(1,2,'2026-11-22T04:56:35.947+00:00','45a050dc62ef3891438887496be21f0a42fe0ca84a2cae58691f751fcb1023bf',0.25);
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
, threshold REAL NOT NULL DEFAULT 0.5, is_deleted INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "run" VALUES(1,'2026-11-22T04:56:35.947+00:00','finished','conv-unet','conv-unet','scratch','{"epochs": 2}','',2,NULL,0.5,NULL,0.0,'','','','desk',1437,1795323394.6,0.3,0);
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
, seen TEXT, suspected_revision INTEGER, loss_suspicion REAL, fold_suspicion REAL, fold_iou REAL, loss_reason TEXT, fold_reason TEXT, settled_revision INTEGER, comment TEXT NOT NULL DEFAULT '', reviewer TEXT NOT NULL DEFAULT '', seconds REAL NOT NULL DEFAULT 0, lint REAL, lint_words TEXT, lint_revision INTEGER, lint_predicted REAL, lint_predicted_words TEXT, lint_run INTEGER, before_edit TEXT) STRICT;
INSERT INTO "sample" VALUES(1,'a.png','m.png','a',0,4,4,'corrected','2026-11-22T04:56:35.944+00:00','train','','',0.25,2,0,78,1795323395946553164,'45a050dc62ef3891438887496be21f0a42fe0ca84a2cae58691f751fcb1023bf',5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'','',0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "sample" VALUES(2,'б ü.png',NULL,'б ü',1,4,4,'todo',NULL,'test','twins','',NULL,0,0,NULL,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'','',0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL                      -- JSON
) STRICT, WITHOUT ROWID;
INSERT INTO "setting" VALUES('created','"2026-11-22T04:56:35.885+00:00"');
INSERT INTO "setting" VALUES('current_run','1');
INSERT INTO "setting" VALUES('name','"p"');
INSERT INTO "setting" VALUES('previous_run','null');
INSERT INTO "setting" VALUES('rule','{"kind": "threshold", "threshold": 127, "values": []}');
INSERT INTO "setting" VALUES('source','"/data/example"');
INSERT INTO "setting" VALUES('split','{}');
CREATE INDEX sample_by_tick ON sample (tick);
CREATE INDEX prediction_by_sample ON prediction (sample_id);
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
CREATE INDEX blobs_by_sample ON blobs (sample_id);
CREATE INDEX kept_by_sample ON kept (sample_id);
CREATE TRIGGER sample_ranked AFTER UPDATE OF
    seen, suspected_revision, loss_suspicion, fold_suspicion, fold_iou, settled_revision ON sample
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.id;
END;
CREATE INDEX histogram_by_sample ON histogram (sample_id);
CREATE TRIGGER sample_reviewed AFTER UPDATE OF state_changed, comment, reviewer, seconds ON sample
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.id;
END;
CREATE TRIGGER sample_linted AFTER UPDATE OF lint, lint_predicted, lint_revision, lint_run ON sample
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.id;
END;
COMMIT;

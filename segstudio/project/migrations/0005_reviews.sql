-- What a person says of a sample beside the verdict, who gave the verdict, and how long it took.

ALTER TABLE sample ADD COLUMN comment TEXT NOT NULL DEFAULT '';
ALTER TABLE sample ADD COLUMN reviewer TEXT NOT NULL DEFAULT '';   -- who gave the last verdict, when they said
ALTER TABLE sample ADD COLUMN seconds REAL NOT NULL DEFAULT 0;     -- that somebody worked on it, pauses left out

CREATE TRIGGER sample_reviewed AFTER UPDATE OF state_changed, comment, reviewer, seconds ON sample
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.id;
END;

-- What was done to the project and can be undone: verdicts, splits, bulk accepts, deleted runs.
CREATE TABLE act (
    id        INTEGER PRIMARY KEY,
    created   TEXT NOT NULL,
    title     TEXT NOT NULL,
    kind      TEXT NOT NULL,
    is_undone INTEGER NOT NULL DEFAULT 0,
    change    BLOB NOT NULL                  -- compressed JSON; see project/acts.py
) STRICT;

ALTER TABLE run ADD COLUMN is_deleted INTEGER NOT NULL DEFAULT 0;    -- its files lie in trash/ until it is purged

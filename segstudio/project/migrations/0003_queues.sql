-- What the queues of the list are ordered by, beside the figures of predictions.

ALTER TABLE sample ADD COLUMN seen TEXT;                 -- when it was last on screen (ISO 8601, UTC)
ALTER TABLE sample ADD COLUMN suspected_revision INTEGER; -- which revision of the mask the following speak of
ALTER TABLE sample ADD COLUMN loss_suspicion REAL;       -- 0..1, from the losses of a training; see core/suspicion.py
ALTER TABLE sample ADD COLUMN fold_suspicion REAL;       -- 0..1, from a cross-validation
ALTER TABLE sample ADD COLUMN fold_iou REAL;             -- mean IoU of networks that had not learnt from it
ALTER TABLE sample ADD COLUMN loss_reason TEXT;          -- in words
ALTER TABLE sample ADD COLUMN fold_reason TEXT;
ALTER TABLE sample ADD COLUMN settled_revision INTEGER;  -- which revision a person has judged although it is suspicious

ALTER TABLE prediction ADD COLUMN uncertainty_kind TEXT NOT NULL DEFAULT 'probability'
    CHECK (uncertainty_kind IN ('probability', 'horizontal', 'all'));  -- what the uncertainty was measured by: see Flips
ALTER TABLE prediction ADD COLUMN expected REAL;         -- share of the area that is expected to be wrong

CREATE TRIGGER sample_ranked AFTER UPDATE OF
    seen, suspected_revision, loss_suspicion, fold_suspicion, fold_iou, settled_revision ON sample
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.id;
END;

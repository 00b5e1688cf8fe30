-- What is unusual in the shape of masks and predictions; see core/lint.py.

ALTER TABLE sample ADD COLUMN lint REAL;                  -- score of the mask; 0 when nothing is unusual
ALTER TABLE sample ADD COLUMN lint_words TEXT;            -- JSON
ALTER TABLE sample ADD COLUMN lint_revision INTEGER;      -- of which revision
ALTER TABLE sample ADD COLUMN lint_predicted REAL;        -- the same of a prediction
ALTER TABLE sample ADD COLUMN lint_predicted_words TEXT;
ALTER TABLE sample ADD COLUMN lint_run INTEGER;           -- of which run

CREATE TRIGGER sample_linted AFTER UPDATE OF lint, lint_predicted, lint_revision, lint_run ON sample
BEGIN
    UPDATE sample SET tick = (SELECT max(tick) + 1 FROM sample) WHERE id = NEW.id;
END;

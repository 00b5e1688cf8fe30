-- How a sample stood before the first edit since its last verdict, so that undoing that edit brings it back.

ALTER TABLE sample ADD COLUMN before_edit TEXT;  -- JSON: when it was edited, state, state_changed, reviewer, revision, foreground

-- How each prediction was made, so that figures of different ways are never taken for alike; see core/way.py.

ALTER TABLE prediction ADD COLUMN way TEXT;  -- a Manner; NULL when a version stored it that did not write it down

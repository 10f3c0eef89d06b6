-- The run in which a path was first skipped, so that a report can say which skips are new. Null: never, or before this migration.
ALTER TABLE pending ADD COLUMN first_skipped_run INTEGER;
CREATE INDEX pending_first_skipped ON pending (sink, first_skipped_run, reason) WHERE status = 'skipped';

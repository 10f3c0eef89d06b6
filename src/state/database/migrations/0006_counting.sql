-- What is due always has its row in `waiting` (a sink that is added brings its own two), so that a path that is queued is counted in
-- one step: looking for the row in the table into which it may be put takes SQLite a table of its own for each path.
INSERT INTO waiting (sink, status, deletion, reason, paths)
    SELECT s.id, 'due', d.column1, '', 0 FROM sinks s, (VALUES (0), (1)) d
    WHERE NOT EXISTS (SELECT 1 FROM waiting w WHERE w.sink = s.id AND w.status = 'due' AND w.deletion = d.column1 AND w.reason = '');
DROP TRIGGER pending_added;
CREATE TRIGGER pending_due_added AFTER INSERT ON pending WHEN NEW.status = 'due' BEGIN
    UPDATE OR FAIL waiting SET paths = paths + 1 WHERE sink = NEW.sink AND status = 'due' AND deletion = NEW.deletion AND reason = '';
END;
CREATE TRIGGER pending_waiting_added AFTER INSERT ON pending WHEN NEW.status <> 'due' BEGIN
    INSERT OR FAIL INTO waiting (sink, status, deletion, reason, paths)
        SELECT NEW.sink, NEW.status, NEW.deletion, ifnull(NEW.reason, ''), 0
        WHERE NOT EXISTS (SELECT 1 FROM waiting WHERE sink = NEW.sink AND status = NEW.status AND deletion = NEW.deletion
            AND reason = ifnull(NEW.reason, ''));
    UPDATE OR FAIL waiting SET paths = paths + 1 WHERE sink = NEW.sink AND status = NEW.status AND deletion = NEW.deletion
        AND reason = ifnull(NEW.reason, '');
END;

-- When what was reported of the path, and is not applied, was received; null where no event reported it, but a listing found it.
ALTER TABLE pending ADD COLUMN told_at INTEGER;
CREATE INDEX pending_told ON pending (sink, told_at) WHERE told_at IS NOT NULL AND status <> 'skipped';

-- Rows that no longer say what the sink holds: there are none, or they are about to be asked for.
CREATE INDEX applied_unconfirmed ON applied (sink) WHERE confirmed = 0;

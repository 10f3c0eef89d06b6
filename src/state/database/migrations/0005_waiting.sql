-- What waits is counted as it comes and goes: a cycle asks each time, and neither it nor what it touches grows with what is parked.
CREATE TABLE waiting (
    sink INTEGER NOT NULL,
    status TEXT NOT NULL,
    deletion INTEGER NOT NULL,
    reason TEXT NOT NULL,
    paths INTEGER NOT NULL,
    PRIMARY KEY (sink, status, deletion, reason)
) STRICT, WITHOUT ROWID;
-- What is due has no reason, whatever it waited for before. No step of a trigger aborts, and none is an upsert, which might: where a
-- statement of several steps may abort, SQLite keeps a journal of it. What fails here takes its whole job back (see `writer.rs`).
INSERT INTO waiting (sink, status, deletion, reason, paths)
    SELECT sink, status, deletion, iif(status = 'due', '', ifnull(reason, '')), count(*) FROM pending GROUP BY 1, 2, 3, 4;
CREATE TRIGGER pending_added AFTER INSERT ON pending BEGIN
    INSERT OR FAIL INTO waiting (sink, status, deletion, reason, paths)
        SELECT NEW.sink, NEW.status, NEW.deletion, iif(NEW.status = 'due', '', ifnull(NEW.reason, '')), 0
        WHERE NOT EXISTS (SELECT 1 FROM waiting WHERE sink = NEW.sink AND status = NEW.status AND deletion = NEW.deletion
            AND reason = iif(NEW.status = 'due', '', ifnull(NEW.reason, '')));
    UPDATE OR FAIL waiting SET paths = paths + 1 WHERE sink = NEW.sink AND status = NEW.status AND deletion = NEW.deletion
        AND reason = iif(NEW.status = 'due', '', ifnull(NEW.reason, ''));
END;
CREATE TRIGGER pending_removed AFTER DELETE ON pending BEGIN
    UPDATE OR FAIL waiting SET paths = paths - 1 WHERE sink = OLD.sink AND status = OLD.status AND deletion = OLD.deletion
        AND reason = iif(OLD.status = 'due', '', ifnull(OLD.reason, ''));
END;
CREATE TRIGGER pending_changed AFTER UPDATE OF sink, status, deletion, reason ON pending BEGIN
    UPDATE OR FAIL waiting SET paths = paths - 1 WHERE sink = OLD.sink AND status = OLD.status AND deletion = OLD.deletion
        AND reason = iif(OLD.status = 'due', '', ifnull(OLD.reason, ''));
    INSERT OR FAIL INTO waiting (sink, status, deletion, reason, paths)
        SELECT NEW.sink, NEW.status, NEW.deletion, iif(NEW.status = 'due', '', ifnull(NEW.reason, '')), 0
        WHERE NOT EXISTS (SELECT 1 FROM waiting WHERE sink = NEW.sink AND status = NEW.status AND deletion = NEW.deletion
            AND reason = iif(NEW.status = 'due', '', ifnull(NEW.reason, '')));
    UPDATE OR FAIL waiting SET paths = paths + 1 WHERE sink = NEW.sink AND status = NEW.status AND deletion = NEW.deletion
        AND reason = iif(NEW.status = 'due', '', ifnull(NEW.reason, ''));
END;

-- SQLite uses such an index only where a query says its condition word for word.
DROP INDEX pending_waiting;
CREATE INDEX pending_waiting ON pending (sink, status, deletion, reason, next_attempt, path) WHERE status <> 'due';
CREATE INDEX pending_parked ON pending (sink, next_attempt) WHERE status = 'parked';

INSERT INTO counters (name, value) SELECT 'intents', count(*) FROM intents;
CREATE TRIGGER intent_added AFTER INSERT ON intents BEGIN
    UPDATE OR FAIL counters SET value = value + 1 WHERE name = 'intents';
END;
CREATE TRIGGER intent_removed AFTER DELETE ON intents BEGIN
    UPDATE OR FAIL counters SET value = value - 1 WHERE name = 'intents';
END;

-- The newest observation when an event was received, and the newest that found a file gone which no event had reported: what was received
-- before that observation was reported of the file that went.
ALTER TABLE inbox ADD COLUMN look INTEGER NOT NULL DEFAULT 0;
ALTER TABLE observed ADD COLUMN gone_look INTEGER;

-- Dead letters that cannot be decoded go first when there are too many.
CREATE INDEX dead_letters_undecoded ON dead_letters (id) WHERE event IS NULL;
INSERT INTO counters (name, value) VALUES ('dead_letters_evicted', 0);

-- The inbox is counted by the transaction that adds to it or takes out of it, many rows at once (see `inbox.rs`).
DROP TRIGGER inbox_added;
DROP TRIGGER inbox_removed;

-- As above: no step that aborts.
DROP TRIGGER applied_added;
DROP TRIGGER applied_removed;
CREATE TRIGGER applied_added AFTER INSERT ON applied BEGIN
    UPDATE OR FAIL sinks SET applied_rows = applied_rows + 1 WHERE id = NEW.sink;
END;
CREATE TRIGGER applied_removed AFTER DELETE ON applied BEGIN
    UPDATE OR FAIL sinks SET applied_rows = applied_rows - 1 WHERE id = OLD.sink;
END;

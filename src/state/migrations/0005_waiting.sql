-- What waits is counted as it comes and goes: a cycle asks each time, and neither it nor what it touches grows with what is parked.
CREATE TABLE waiting (
    sink INTEGER NOT NULL,
    status TEXT NOT NULL,
    deletion INTEGER NOT NULL,
    reason TEXT NOT NULL,
    paths INTEGER NOT NULL,
    PRIMARY KEY (sink, status, deletion, reason)
) STRICT, WITHOUT ROWID;
-- What is due has no reason, whatever it waited for before.
INSERT INTO waiting (sink, status, deletion, reason, paths)
    SELECT sink, status, deletion, iif(status = 'due', '', ifnull(reason, '')), count(*) FROM pending GROUP BY 1, 2, 3, 4;
CREATE TRIGGER pending_added AFTER INSERT ON pending BEGIN
    INSERT INTO waiting (sink, status, deletion, reason, paths)
        VALUES (NEW.sink, NEW.status, NEW.deletion, iif(NEW.status = 'due', '', ifnull(NEW.reason, '')), 1)
        ON CONFLICT (sink, status, deletion, reason) DO UPDATE SET paths = paths + 1;
END;
CREATE TRIGGER pending_removed AFTER DELETE ON pending BEGIN
    UPDATE waiting SET paths = paths - 1 WHERE sink = OLD.sink AND status = OLD.status AND deletion = OLD.deletion
        AND reason = iif(OLD.status = 'due', '', ifnull(OLD.reason, ''));
END;
CREATE TRIGGER pending_changed AFTER UPDATE OF sink, status, deletion, reason ON pending BEGIN
    UPDATE waiting SET paths = paths - 1 WHERE sink = OLD.sink AND status = OLD.status AND deletion = OLD.deletion
        AND reason = iif(OLD.status = 'due', '', ifnull(OLD.reason, ''));
    INSERT INTO waiting (sink, status, deletion, reason, paths)
        VALUES (NEW.sink, NEW.status, NEW.deletion, iif(NEW.status = 'due', '', ifnull(NEW.reason, '')), 1)
        ON CONFLICT (sink, status, deletion, reason) DO UPDATE SET paths = paths + 1;
END;

-- SQLite uses such an index only where a query says its condition word for word.
DROP INDEX pending_waiting;
CREATE INDEX pending_waiting ON pending (sink, status, deletion, reason, next_attempt, path) WHERE status <> 'due';
CREATE INDEX pending_parked ON pending (sink, next_attempt) WHERE status = 'parked';

INSERT INTO counters (name, value) SELECT 'intents', count(*) FROM intents;
CREATE TRIGGER intent_added AFTER INSERT ON intents BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'intents';
END;
CREATE TRIGGER intent_removed AFTER DELETE ON intents BEGIN
    UPDATE counters SET value = value - 1 WHERE name = 'intents';
END;

-- The newest look when an event was received, and the newest that found a file gone of which nobody had told: what was received
-- before that look was told of the file that went.
ALTER TABLE inbox ADD COLUMN look INTEGER NOT NULL DEFAULT 0;
ALTER TABLE observed ADD COLUMN gone_look INTEGER;

-- Letters that nobody can decode go first when there are too many.
CREATE INDEX dead_letters_undecoded ON dead_letters (id) WHERE event IS NULL;
INSERT INTO counters (name, value) VALUES ('dead_letters_evicted', 0);

-- Pairs removals and additions with the same identity, if there is one of each. Leaves out paths with an open intent or a move
-- hint. Sorts both sides by identity instead of joining them: SQLite does not know their size, and compared every row with every
-- other. (`status <> 'due'` repeats the condition of the partial index.)
WITH waits AS (
    SELECT path, deletion FROM pending WHERE sink = ?1 AND status = 'due' AND deletion = 0
    UNION ALL
    SELECT path, deletion FROM pending WHERE sink = ?1 AND status = 'due' AND deletion = 1
    UNION ALL
    SELECT path, deletion FROM pending WHERE sink = ?1 AND status = 'held' AND status <> 'due'
), free AS (
    SELECT p.path, p.deletion FROM waits p
    WHERE NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = ?1 AND l.path = p.path)
      AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = ?1 AND l.origin = p.path)
      AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sink = ?1 AND i.path = p.path)
      AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sink = ?1 AND i.new_path = p.path)
), sides AS (
    -- The definition of an identity; no other place repeats it. Empty files have none.
    SELECT a.etag || '+' || a.size AS identity, f.path AS went, NULL AS came FROM free f JOIN applied a ON a.sink = ?1 AND a.path = f.path
    WHERE f.deletion = 1 AND a.confirmed = 1 AND a.size > 0 AND a.etag IS NOT NULL
    UNION ALL
    SELECT o.etag || '+' || o.size, NULL, f.path FROM free f JOIN observed o ON o.source = ?2 AND o.path = f.path
    WHERE f.deletion = 0 AND o.present = 1 AND o.size > 0 AND o.etag IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM applied a WHERE a.sink = ?1 AND a.path = f.path)
), pairs AS MATERIALIZED (
    SELECT identity, max(came) AS came, max(went) AS went FROM sides GROUP BY identity HAVING count(came) = 1 AND count(went) = 1
), others AS MATERIALIZED (
    -- Parked and skipped paths are candidates, too. They are read only if there is a pair.
    SELECT q.identity FROM pending p JOIN applied a ON a.sink = ?1 AND a.path = p.path JOIN pairs q ON q.identity = a.etag || '+' || a.size
    WHERE p.sink = ?1 AND p.status = 'parked' AND p.status <> 'due' AND p.deletion = 1 AND EXISTS (SELECT 1 FROM pairs)
      AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = ?1 AND l.origin = p.path)
    UNION ALL
    SELECT q.identity FROM pending p JOIN observed o ON o.source = ?2 AND o.path = p.path JOIN pairs q ON q.identity = o.etag || '+' || o.size
    WHERE p.sink = ?1 AND p.status IN ('parked', 'skipped') AND p.status <> 'due' AND p.deletion = 0 AND o.present = 1
      AND EXISTS (SELECT 1 FROM pairs)
      AND NOT EXISTS (SELECT 1 FROM applied a WHERE a.sink = ?1 AND a.path = p.path)
      AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = ?1 AND l.path = p.path)
)
INSERT INTO lineage (sink, path, origin)
SELECT ?1, p.came, p.went FROM pairs p WHERE NOT EXISTS (SELECT 1 FROM others o WHERE o.identity = p.identity)

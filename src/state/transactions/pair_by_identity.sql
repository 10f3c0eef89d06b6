-- Removals and additions of one identity, where there is one of each. A path of which something is in doubt, or that is already
-- said to have gone or come, is not paired. Both sides are sorted by their identity once: a join of the two, which knows nothing
-- of their size, compared each with each. (`status <> 'due'` says again what the other status says, in the words of the index.)
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
    -- What makes two paths one file: the only place where it is written of what an identity consists. Empty files have none.
    SELECT a.etag || '+' || a.size AS identity, f.path AS went, NULL AS came FROM free f JOIN applied a ON a.sink = ?1 AND a.path = f.path
    WHERE f.deletion = 1 AND a.confirmed = 1 AND a.size > 0 AND a.etag IS NOT NULL
    UNION ALL
    SELECT o.etag || '+' || o.size, NULL, f.path FROM free f JOIN observed o ON o.source = ?2 AND o.path = f.path
    WHERE f.deletion = 0 AND o.present = 1 AND o.size > 0 AND o.etag IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM applied a WHERE a.sink = ?1 AND a.path = f.path)
), pairs AS MATERIALIZED (
    SELECT identity, max(came) AS came, max(went) AS went FROM sides GROUP BY identity HAVING count(came) = 1 AND count(went) = 1
), others AS MATERIALIZED (
    -- What failed or was left out is a candidate as well. It is read only where there is a pair to be judged by it.
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

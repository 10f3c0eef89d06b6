-- Removals and additions of one content, where there is one of each. A path of which something is in doubt, or that is already
-- said to have gone or come, is no candidate.
WITH free AS (
    SELECT p.path, p.deletion FROM pending p
    WHERE p.sink = ?1 AND p.status IN ('due', 'held')
      AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = ?1 AND l.path = p.path)
      AND NOT EXISTS (SELECT 1 FROM lineage l WHERE l.sink = ?1 AND l.origin = p.path)
      AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sink = ?1 AND i.path = p.path)
      AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.sink = ?1 AND i.new_path = p.path)
), went AS MATERIALIZED (
    SELECT f.path, a.etag, a.size FROM free f JOIN applied a ON a.sink = ?1 AND a.path = f.path
    WHERE f.deletion = 1 AND a.confirmed = 1 AND a.size > 0 AND a.etag IS NOT NULL
), came AS MATERIALIZED (
    SELECT f.path, o.etag, o.size FROM free f JOIN observed o ON o.path = f.path
    WHERE f.deletion = 0 AND o.present = 1 AND o.size > 0 AND o.etag IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM applied a WHERE a.sink = ?1 AND a.path = f.path)
)
INSERT INTO lineage (sink, path, origin)
SELECT ?1, min(came.path), min(went.path) FROM went JOIN came ON came.etag = went.etag AND came.size = went.size
GROUP BY went.etag, went.size HAVING count(*) = 1

"""The same job with pandas: both sides out of the database, into two CSV files, read again and compared. Tells its seconds as JSON."""

import json
import resource
import sqlite3
import sys
import time

import pandas as pd

COLUMNS = "file_path permissions size file_type last_modified internal_id etag storage_class version_id owner group".split()
OLD = """
SELECT path, permissions, size, file_type, strftime('%Y-%m-%dT%H:%M:%SZ', last_modified / 1000000, 'unixepoch'), handle, etag,
       storage_class, version_id, owner, owner_group
FROM applied WHERE sink = 1 ORDER BY path
"""
NEW = """
SELECT p.path, coalesce(t.permissions, a.permissions), coalesce(o.size, a.size), a.file_type,
       strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(o.last_modified, a.last_modified) / 1000000, 'unixepoch'), a.handle,
       coalesce(o.etag, a.etag), coalesce(o.storage_class, a.storage_class), coalesce(o.version_id, a.version_id),
       coalesce(t.owner, a.owner), coalesce(t.owner_group, a.owner_group)
FROM (SELECT path FROM observed WHERE source = 1 UNION SELECT path FROM applied WHERE sink = 1) p
LEFT JOIN observed o ON o.source = 1 AND o.path = p.path
LEFT JOIN applied a ON a.sink = 1 AND a.path = p.path LEFT JOIN permissions t ON t.source = 1 AND t.path = p.path
WHERE o.present IS NOT 0 ORDER BY p.path
"""


def main():
    times = [time.perf_counter()]
    with sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True) as connection:
        sides = {name: pd.read_sql_query(query, connection, dtype=object) for name, query in (("old", OLD), ("new", NEW))}
    times.append(time.perf_counter())
    for name, side in sides.items():
        side.columns = COLUMNS
        side.to_csv(f"pandas_{name}.csv", index=False)
    times.append(time.perf_counter())
    del sides, side
    # The same files that s3-sync wrote.
    old, new = (pd.read_csv(f"{name}.csv", dtype=str, keep_default_na=False) for name in ("old", "new"))
    both = old.merge(new, on="file_path", how="outer", suffixes=("_old", "_new"), indicator=True)
    in_both = both["_merge"] == "both"

    def differ(*columns):
        differing = False
        for column in columns:
            differing |= both[f"{column}_old"] != both[f"{column}_new"]
        return in_both & differing

    content = differ("etag", "size")
    permissions = differ("permissions", "owner", "group")
    counts = [(both["_merge"] == "right_only").sum(), (both["_merge"] == "left_only").sum(), content.sum(), permissions.sum()]
    both[~in_both | content | permissions].to_csv("pandas_differences.csv", index=False)
    times.append(time.perf_counter())
    database, writing, comparing = (after - before for before, after in zip(times, times[1:]))
    print(
        json.dumps(
            {
                "version": pd.__version__,
                "database": database,
                "writing": writing,
                "comparing": comparing,
                "counts": [int(count) for count in counts],
                "peak_rss_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            }
        )
    )


main()

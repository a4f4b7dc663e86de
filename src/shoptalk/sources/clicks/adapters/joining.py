"""Queries and events of User Behavior Insights joined into searches and what they showed."""

from __future__ import annotations

import duckdb

_PEOPLE = {"session_id": "string", "client_id": "string", "user_id": "string"}
QUERIES = {
    "search": "int64",
    "query_id": "string",
    "ts_ms": "int64",
    "query_raw": "string",
    "results": "int64",
    **_PEOPLE,
    "ranker_id": "string",
    "surface": "string",
    "device": "string",
    "is_bot": "boolean",
}
HITS = {"search": "int64", "position": "int16", "doc_id": "string"}
EVENTS = {
    "event": "int64",
    "file": "int64",
    "number": "int64",
    "kind": "string",
    "ts_ms": "int64",
    "ordinal": "int64",
    "query_id": "string",
    "doc_id": "string",
    **_PEOPLE,
}
SHEETS = {"queries": QUERIES, "hits": HITS, "events": EVENTS}
"""The flat tables: ``search`` and ``event`` number rows in the order of the log, ``results`` counts hit ids,
``file`` and ``number`` are an event's place, ``ordinal`` counts from 1."""

_PAUSE_MS = 1_800_000  # of a client whose events name no session: afterwards the last click's dwell is unknown

EARLY = """
SELECT file, number, events.ts_ms, query_id, asked.ts_ms FROM events JOIN asked USING (query_id)
WHERE events.ts_ms < asked.ts_ms ORDER BY event LIMIT 1
"""

_JOIN = f"""
CREATE TEMP TABLE asked AS
SELECT * FROM queries QUALIFY row_number() OVER (PARTITION BY query_id ORDER BY search) = 1;

CREATE TEMP TABLE searches AS
WITH told AS (
    SELECT query_id, min(session_id) AS session_id, min(client_id) AS client_id, min(user_id) AS user_id
    FROM events WHERE query_id IS NOT NULL GROUP BY query_id
)
SELECT search, query_id AS impression_id, ts_ms, query_raw,
       coalesce(asked.session_id, told.session_id) AS session_id,
       coalesce(asked.client_id, told.client_id, asked.user_id, told.user_id) AS user_key,
       ranker_id, surface, device, is_bot, results
FROM asked LEFT JOIN told USING (query_id);

CREATE TEMP TABLE listed AS
SELECT hits.* FROM hits JOIN searches USING (search)
UNION ALL
SELECT search, min(ordinal) AS position, doc_id
FROM events JOIN searches ON query_id = impression_id
WHERE kind = 'impression' AND results = 0 AND ordinal IS NOT NULL AND doc_id IS NOT NULL
GROUP BY search, doc_id;

CREATE TEMP TABLE moments AS
WITH points AS (
    SELECT coalesce('s' || session_id, 'c' || coalesce(client_id, user_id)) AS who, ts_ms FROM events
    UNION SELECT coalesce('s' || session_id, 'c' || user_key), ts_ms FROM searches
)
SELECT who, ts_ms, lead(ts_ms) OVER (PARTITION BY who ORDER BY ts_ms) AS next_ms FROM points WHERE who IS NOT NULL;

CREATE TEMP TABLE clicks AS
WITH stays AS (
    SELECT query_id, doc_id, events.ts_ms, ordinal,
           CASE WHEN session_id IS NOT NULL OR next_ms - events.ts_ms <= {_PAUSE_MS}
                THEN (next_ms - events.ts_ms) / 1000 END AS stay
    FROM events LEFT JOIN moments
         ON moments.who = coalesce('s' || session_id, 'c' || coalesce(client_id, user_id))
         AND moments.ts_ms = events.ts_ms
    WHERE kind = 'click'
)
SELECT query_id, doc_id, min(ts_ms) AS click_ts_ms, count(*) AS times, min(ordinal) AS ordinal,
       CASE WHEN count(stay) = count(*) THEN max(stay) END AS dwell_s
FROM stays GROUP BY query_id, doc_id;

CREATE TEMP TABLE conversions AS
SELECT query_id, doc_id, count(*) AS times FROM events WHERE kind = 'conversion' GROUP BY query_id, doc_id;

CREATE TEMP TABLE shown AS
SELECT search, position, listed.doc_id, clicks.times IS NOT NULL AS clicked, click_ts_ms, dwell_s,
       CASE WHEN (SELECT count(*) FROM conversions) > 0 THEN conversions.times IS NOT NULL END AS converted,
       clicks.times AS clicks, conversions.times AS conversions, ordinal, results
FROM listed JOIN searches USING (search)
     LEFT JOIN clicks ON clicks.query_id = impression_id AND clicks.doc_id = listed.doc_id
     LEFT JOIN conversions ON conversions.query_id = impression_id AND conversions.doc_id = listed.doc_id
"""

_COUNTS = """
SELECT (SELECT count(*) FROM queries) - (SELECT count(*) FROM asked) AS repeated_query_id,
       (SELECT count(*) FROM searches ANTI JOIN shown USING (search)) AS searches_without_results,
       (SELECT count(*) FROM shown WHERE clicked) AS clicks,
       (SELECT sum(clicks - 1) FROM shown) AS repeated_clicks,
       (SELECT sum(times) FROM clicks) - coalesce((SELECT sum(clicks) FROM shown), 0) AS clicks_without_impression,
       (SELECT count(conversions) FROM shown) AS conversions,
       (SELECT sum(conversions - 1) FROM shown) AS repeated_conversions,
       (SELECT sum(times) FROM conversions) - coalesce((SELECT sum(conversions) FROM shown), 0)
           AS conversions_without_impression,
       (SELECT count(*) FROM events WHERE kind = 'other') AS other_events,
       (SELECT count(*) FROM shown WHERE results > 0 AND ordinal != position) AS ordinals_unlike_results
"""
_IMPRESSIONS = """
WITH seen AS (
    SELECT CASE WHEN results IS NULL THEN 'impressions_without_query'
                WHEN results > 0 THEN 'impressions_beside_results'
                WHEN ordinal IS NULL OR doc_id IS NULL THEN 'impressions_without_position'
                WHEN row_number() OVER (PARTITION BY search, doc_id ORDER BY ordinal NULLS LAST, event) > 1
                THEN 'repeated_impressions' ELSE 'impressions' END AS what
    FROM events LEFT JOIN searches ON query_id = impression_id WHERE kind = 'impression'
)
SELECT what, count(*) FROM seen GROUP BY what ORDER BY what
"""


def join(connection: duckdb.DuckDBPyConnection) -> None:
    """Tables ``searches`` and ``shown``, as `writing.compose` takes them, from ``queries, hits, events``."""
    connection.execute(_JOIN)


def counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What became of every query and event, after `join`. Events are all counted once: ``clicks, conversions,
    impressions`` that were used, those that were left out by reason, and ``other_events``."""
    found = connection.execute(_COUNTS)
    names = [column[0] for column in found.description]
    counted = {name: int(value or 0) for name, value in zip(names, found.fetchone(), strict=True)}
    return counted | dict(connection.execute(_IMPRESSIONS).fetchall())

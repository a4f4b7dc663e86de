"""Tables of pairs, so many of each source."""

import polars as pl


def table(sizes: dict[str, int], weight: float = 1.0) -> pl.DataFrame:
    rows = [(f"q{i}", f"d{i}", weight, s) for s, n in sizes.items() for i in range(n)]
    columns = {"query": pl.String, "doc_id": pl.String, "weight": pl.Float32, "source": pl.String}
    return pl.DataFrame(rows, schema=columns, orient="row")

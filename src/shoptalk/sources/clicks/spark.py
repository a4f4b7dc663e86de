"""Apache Spark as the engine: the same expressions on a cluster, or on this machine for trying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shoptalk.cache import digest
from shoptalk.errors import InputError
from shoptalk.sources.clicks.engine import first_line, format_of

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True)
class Spark:
    """Spark through its Python interface; needs the extra ``spark`` and Java 17 or 21.

    Attributes:
        master: where Spark runs, such as ``local[2]`` or ``spark://host:7077``. memory: of the driver.
        options: any of Spark's own settings.
    """

    master: str = "local[*]"
    memory: str = "4g"
    options: dict[str, str] = field(default_factory=dict)

    def connect(self) -> ibis.BaseBackend:
        """A session that keeps times in UTC.

        Raises:
            InputError: pyspark or Java is missing, or Spark does not start.
        """
        try:
            import ibis
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise InputError("engine=spark needs pyspark: install it with pip install 'shoptalk[spark]'.") from error
        settings = {
            "spark.driver.memory": self.memory,
            "spark.sql.session.timeZone": "UTC",
            "spark.ui.enabled": "false",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.shuffle.partitions": "8",
            **self.options,
        }
        builder = SparkSession.builder.master(self.master).appName("shoptalk")
        for name, value in settings.items():
            builder = builder.config(name, value)
        try:
            session = builder.getOrCreate()
        except (PySparkException, RuntimeError, OSError) as error:
            raise InputError(
                f"engine=spark: Spark does not start at {self.master} ({first_line(error)}); "
                "it needs Java 17 or 21, and JAVA_HOME if that is not on the path."
            ) from error
        session.sparkContext.setLogLevel("ERROR")
        return ibis.pyspark.connect(session)

    def read(self, connection: ibis.BaseBackend, files: Sequence[Path], text: Sequence[str]) -> ibis.Table:
        """CSV columns are text; JSON columns keep the types that Spark finds."""
        reader = connection._session.read
        paths, kind = [str(f.absolute()) for f in files], format_of(files[0])
        if kind == "parquet":
            frame = reader.option("mergeSchema", True).parquet(*paths)
        elif kind == "csv":
            frame = reader.csv(paths, header=True, multiLine=True, escape='"')
        else:
            frame = reader.json(paths)
        return _view(connection, frame, f"log_{digest(paths)}")

    def kept(self, connection: ibis.BaseBackend, name: str, table: ibis.Table) -> ibis.Table:
        """Kept by Spark in memory, and on disk where that is short."""
        # Ibis registers local tables and functions when it executes, not when it caches.
        connection._run_pre_execute_hooks(table)
        frame = connection._session.sql(connection.compile(table)).persist()
        return _view(connection, frame, name)

    def write(self, connection: ibis.BaseBackend, table: ibis.Table, path: Path) -> None:
        """Through the driver, since Spark itself writes folders."""
        # Short numbers come out of Spark as long ones.
        table.to_polars().cast(dict(table.schema().to_polars())).write_parquet(path)

    def number(self, text: ibis.StringValue) -> ibis.IntegerValue:
        """xxHash64; Spark's plain hash has 32 bits only."""
        return _xxhash64(text)

    def errors(self) -> tuple[type[Exception], ...]:
        """All that Spark raises through Python."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        return (PySparkException, Py4JError)

    def complaint(self, error: Exception) -> str:
        """The first line of what Spark says."""
        return first_line(error)


def _view(connection: ibis.BaseBackend, frame: Any, name: str) -> ibis.Table:
    frame.createOrReplaceTempView(name)
    return connection.table(name)


def _xxhash64(text: ibis.StringValue) -> ibis.IntegerValue:
    import ibis

    @ibis.udf.scalar.builtin
    def xxhash64(text: str) -> int: ...

    return xxhash64(text)

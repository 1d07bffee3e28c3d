"""The journal's tables, and the triggers that keep them append-only whoever writes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

TABLES = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

JOURNAL = Table(
    "journal",
    TABLES,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("risk", Text, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("why", Text),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    sqlite_strict=True,
)

# How far a reader of something else has got, moved in the same transaction as what it led to.
CURSOR = Table(
    "cursor",
    TABLES,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_strict=True,
)

TRIGGERS = {
    "sqlite": (
        """
        CREATE TRIGGER journal_keeps_rows BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
        """,
        """
        CREATE TRIGGER journal_keeps_text BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
        """,
        """
        CREATE TRIGGER journal_never_forks BEFORE INSERT ON journal
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM journal)
          OR NEW.previous IS NOT coalesce((SELECT digest FROM journal ORDER BY seq DESC LIMIT 1), '')
        BEGIN SELECT RAISE(ABORT, 'a row of the journal must follow its newest row'); END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION journal_refuses() RETURNS trigger LANGUAGE plpgsql AS
        $body$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $body$
        """,
        """
        CREATE FUNCTION journal_follows() RETURNS trigger LANGUAGE plpgsql AS
        $body$
        DECLARE newest record;
        BEGIN
          SELECT seq, digest INTO newest FROM journal ORDER BY seq DESC LIMIT 1;
          IF NEW.seq <> coalesce(newest.seq, 0) + 1 OR NEW.previous <> coalesce(newest.digest, '') THEN
            RAISE EXCEPTION 'a row of the journal must follow its newest row';
          END IF;
          RETURN NEW;
        END
        $body$
        """,
        """
        CREATE TRIGGER journal_keeps_rows BEFORE DELETE OR UPDATE ON journal
        FOR EACH ROW EXECUTE FUNCTION journal_refuses()
        """,
        """
        CREATE TRIGGER journal_keeps_all BEFORE TRUNCATE ON journal
        FOR EACH STATEMENT EXECUTE FUNCTION journal_refuses()
        """,
        """
        CREATE TRIGGER journal_never_forks BEFORE INSERT ON journal
        FOR EACH ROW EXECUTE FUNCTION journal_follows()
        """,
    ),
}

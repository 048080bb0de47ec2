"""What a shop does about single queries: pins, buries, boosts and redirects, each for a time.

A rule holds for a query of just these words, or for every query that has them all. Words are kept as they are compared:
in small letters, with one space between them.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

STATEMENTS = (
    """
CREATE TABLE search_rule (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('pin', 'bury', 'boost', 'redirect')),
    query      text COLLATE "C" NOT NULL CHECK (length(query) BETWEEN 1 AND 200),
    whole      boolean NOT NULL DEFAULT true,
    sku        text COLLATE "C" REFERENCES product (sku) ON UPDATE CASCADE ON DELETE CASCADE,
    brand      text,
    category   text,
    place      smallint CHECK (place BETWEEN 1 AND 100),
    points     real CHECK (points BETWEEN -10 AND 10),
    target     text CHECK (length(target) <= 2000),
    starts_at  timestamptz,
    ends_at    timestamptz CHECK (ends_at > starts_at),
    enabled    boolean NOT NULL DEFAULT true,
    made_by    text NOT NULL,
    made_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT search_rule_is_whole CHECK (
        CASE kind WHEN 'pin' THEN num_nonnulls(sku, place) = 2 AND num_nonnulls(brand, category, points, target) = 0
                  WHEN 'bury' THEN sku IS NOT NULL AND num_nonnulls(brand, category, place, points, target) = 0
                  WHEN 'boost' THEN num_nonnulls(sku, brand, category) = 1 AND points IS NOT NULL
                                    AND num_nonnulls(place, target) = 0
                  ELSE target IS NOT NULL AND num_nonnulls(sku, brand, category, place, points) = 0 END)
)
""",
    "COMMENT ON TABLE search_rule IS 'Pins, buries, boosts and redirects of single queries, each for a time.'",
    "COMMENT ON COLUMN search_rule.whole IS 'The query has to be just these words; false: it has to have them all.'",
    "COMMENT ON COLUMN search_rule.points IS 'What a boost adds to a score, in standard deviations of the look.'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)

"""What people search for, and what of it they look at: one row a search, one a product that was clicked in it.

Nothing says who searched: there is no session, no address, no visitor. But what is typed can be personal by itself, so
rows are erased after VITRINE_SEARCH_EVENTS_DAYS days, and `vitrine search forget` erases them before.

Both tables are written by web processes in batches, and read by reports that go through the days asked for, so the one
index beside the keys is by time: an index by text would be written at each search and could not hold the longest.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    """
CREATE TABLE search_event (
    id              uuid PRIMARY KEY,
    at              timestamptz NOT NULL,
    origin          text NOT NULL CHECK (origin IN ('shop', 'api')),
    kind            text NOT NULL CHECK (kind IN ('words', 'picture', 'product', 'browse')),
    query           text NOT NULL CHECK (length(query) <= 1000),
    normalised      text NOT NULL,
    mode            text NOT NULL,
    narrowed        boolean NOT NULL,
    total           integer NOT NULL CHECK (total >= 0),
    total_is_exact  boolean NOT NULL,
    milliseconds    real NOT NULL,
    path            text NOT NULL,
    complete        boolean NOT NULL
)
""",
    "CREATE INDEX search_event_at ON search_event (at)",
    # No reference to `product`: a click stays when its product goes.
    """
CREATE TABLE search_click (
    event     uuid NOT NULL REFERENCES search_event (id) ON DELETE CASCADE,
    sku       text COLLATE "C" NOT NULL,
    position  integer NOT NULL CHECK (position BETWEEN 1 AND 1000),
    at        timestamptz NOT NULL,
    PRIMARY KEY (event, sku)
)
""",
    "COMMENT ON TABLE search_event IS 'Searches, each by its first page; kept for a time, and nothing says whose.'",
    "COMMENT ON TABLE search_click IS 'Products that were clicked in the result of a search, each once.'",
    "COMMENT ON COLUMN search_event.kind IS 'What was searched by: words, a picture, a product it is like, nothing.'",
    "COMMENT ON COLUMN search_event.query IS 'As typed, with single blanks; with a product: in what it is to differ.'",
    "COMMENT ON COLUMN search_event.normalised IS 'The query in small letters: what counts as the same query.'",
    "COMMENT ON COLUMN search_event.narrowed IS 'Whether filters were chosen beside the words.'",
    "COMMENT ON COLUMN search_event.path IS 'How it was found; see plan in docs/api.md.'",
    "COMMENT ON COLUMN search_event.complete IS 'False where fewer products came than pass the filters.'",
    "COMMENT ON COLUMN search_click.position IS 'Place in the whole result, from 1.'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement.replace(":", "\\:"))

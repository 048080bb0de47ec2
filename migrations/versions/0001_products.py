"""Products, their pictures, and the embedding beside them.

The vector lives in the product's own row, so that one SELECT filters and ranks and analysts need no join;
docs/architecture.md has the measurement of this against two other layouts. It is stored in line (STORAGE PLAIN):
beside a description of 1 kB Postgres would move it to TOAST, and an exact scan would take 2 to 4 times as long. That is
said by ALTER COLUMN, because Postgres 15 does not take it where a column is made; the schema is the same.

The SKU is the key: data teams join on it and URLs carry it. The code-point collation makes it sort the same on
every server.
"""

from alembic import context, op

revision = "0001"
down_revision = None

# Keep in step with server/catalog/sku.py, which explains the rule; a test compares the two.
SKU_RULE = (
    "^[A-Za-z0-9_]([A-Za-z0-9 ._~:+#@&=,()-]*[A-Za-z0-9._~:+#@&=,()-])?"
    "(/[A-Za-z0-9_]([A-Za-z0-9 ._~:+#@&=,()-]*[A-Za-z0-9._~:+#@&=,()-])?)*$"
)

IMAGE = """
CREATE TABLE image (
    sha256      text COLLATE "C" PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    media_type  text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp', 'image/gif')),
    width       integer NOT NULL CHECK (width > 0),
    height      integer NOT NULL CHECK (height > 0),
    bytes       bigint NOT NULL CHECK (bytes > 0),
    created_at  timestamptz NOT NULL DEFAULT now()
)
"""

MODEL = """
CREATE TABLE embedding_model (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    revision    text NOT NULL,
    precision   text NOT NULL,
    dimension   integer NOT NULL CHECK (dimension > 0),
    digest      text NOT NULL UNIQUE,
    state       text NOT NULL CHECK (state IN ('candidate', 'active', 'previous')),
    created_at  timestamptz NOT NULL DEFAULT now()
)
"""

PRODUCT = """
CREATE TABLE product (
    sku              text COLLATE "C" PRIMARY KEY
                     CHECK (length(sku) <= 100 AND sku ~ '{sku_rule}' AND sku !~ '/similar$'),
    item_group       text CHECK (length(item_group) BETWEEN 1 AND 100),
    title            text NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
    description      text NOT NULL DEFAULT '' CHECK (length(description) <= 100000),
    brand            text COLLATE "C" CHECK (length(brand) BETWEEN 1 AND 200),
    category         text COLLATE "C" CHECK (length(category) <= 300 AND category ~ '^[^/]+(/[^/]+)*$'),
    price            numeric(12, 2) CHECK (price >= 0 AND price <> 'NaN'),
    sale_price       numeric(12, 2) CHECK (sale_price >= 0 AND sale_price <> 'NaN'),
    current_price    numeric(12, 2) GENERATED ALWAYS AS (COALESCE(sale_price, price)) STORED,
    currency         text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{{3}}$'),
    stock            integer CHECK (stock >= 0),
    attributes       jsonb NOT NULL DEFAULT '{{}}' CHECK (jsonb_typeof(attributes) = 'object'),
    status           text NOT NULL DEFAULT 'live' CHECK (status IN ('live', 'draft', 'hidden')),
    left_feed_at     timestamptz,
    image_sha256     text COLLATE "C" REFERENCES image (sha256),
    embedding        halfvec({dimension}),
    embedding_model  integer REFERENCES embedding_model (id),
    embedding_source text CHECK (embedding_source IN ('image', 'text')),
    embedded_text    text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT product_sale_price_needs_price CHECK (sale_price IS NULL OR (price IS NOT NULL AND sale_price <= price)),
    CONSTRAINT product_left_feed_is_hidden CHECK (left_feed_at IS NULL OR status = 'hidden'),
    CONSTRAINT product_embedding_is_whole CHECK (num_nulls(embedding, embedding_model, embedding_source) IN (0, 3)),
    CONSTRAINT product_image_embedding_has_image CHECK (embedding_source <> 'image' OR image_sha256 IS NOT NULL),
    CONSTRAINT product_embedded_text_is_for_text CHECK ((embedding_source = 'text') = (embedded_text IS NOT NULL))
)
"""

INDEXES = (
    "CREATE INDEX product_embedding_hnsw ON product USING hnsw (embedding halfvec_cosine_ops)",
    # Partial, so that what a shopper's filter leaves is counted in the index alone (9 ms to 1.5 at 40,000 products).
    "CREATE INDEX product_current_price ON product (currency, current_price) WHERE status = 'live'",
    "CREATE INDEX product_category ON product (category) WHERE status = 'live'",
    "CREATE INDEX product_brand ON product (brand) WHERE status = 'live'",
    "CREATE INDEX product_item_group ON product (item_group) WHERE item_group IS NOT NULL",
    "CREATE INDEX product_created_at ON product (created_at DESC, sku)",
    "CREATE INDEX product_image_sha256 ON product (image_sha256)",
    "CREATE INDEX image_created_at ON image (created_at)",
)

COMMENTS = {
    "TABLE product": "What the shop sells: one row a SKU, its embedding beside its price.",
    "COLUMN product.sku": "Key. 1 to 100 characters; docs/importing.md has the rule.",
    "COLUMN product.item_group": "Variants of one product share it.",
    "COLUMN product.category": "Path from the general to the special: Apparel/Topwear/Shirts.",
    "COLUMN product.price": "Regular price. NULL: unknown; such a product passes no price filter.",
    "COLUMN product.sale_price": "What it costs now, where that is less than the regular price.",
    "COLUMN product.current_price": "What the shopper pays: the sale price, else the price. Price filters use it.",
    "COLUMN product.stock": "Pieces on hand. NULL: not counted, and taken as available.",
    "COLUMN product.status": "live: in the shop. draft: not yet. hidden: no longer.",
    "COLUMN product.left_feed_at": "When an import of the whole catalogue hid it for not being there. The next import "
    "that has it shows it again.",
    "COLUMN product.image_sha256": "Digest of the picture, which names its file in the image store.",
    "COLUMN product.embedding": "Unit vector of the picture (or of the title, where there is none). Cosine: <=>.",
    "COLUMN product.embedding_source": "image: made from the picture. text: made from embedded_text.",
    "COLUMN product.embedded_text": "The words that a text embedding was made from.",
    "TABLE image": "Pictures in the image store, each once, under the SHA-256 of its bytes.",
    "TABLE embedding_model": "Models that made the embeddings. One is active.",
}


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.execute(IMAGE)
    op.execute(MODEL)
    op.execute("CREATE UNIQUE INDEX embedding_model_one_active ON embedding_model ((true)) WHERE state = 'active'")
    op.execute(PRODUCT.format(sku_rule=SKU_RULE, dimension=int(context.config.attributes["dimension"])))
    op.execute("ALTER TABLE product ALTER COLUMN embedding SET STORAGE PLAIN")
    for statement in INDEXES:
        op.execute(statement)
    for target, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {target} IS '{comment}'")

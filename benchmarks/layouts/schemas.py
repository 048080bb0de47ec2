"""The layouts as SQL. Each lives in a schema of its own name and is loaded from the shared table `public.source`."""

from dataclasses import dataclass

FACTS = """sku, title, description, brand, category, price, sale_price, currency, stock, attributes, status,
  created_at, updated_at"""
HOT = "price, category, brand, stock, status"

PRODUCT = """CREATE TABLE product (
  sku text PRIMARY KEY, title text NOT NULL, description text, brand text, category text, price numeric(12,2),
  sale_price numeric(12,2), currency char(3), stock int, attributes jsonb, status text,
  created_at timestamptz, updated_at timestamptz{column}) {options}"""
LOAD_PRODUCT = f"INSERT INTO product ({FACTS}{{column}}) SELECT {FACTS}{{column}} FROM public.source ORDER BY n"  # noqa: S608
HNSW = "CREATE INDEX {name} ON {table} USING hnsw ({column} halfvec_cosine_ops) WITH (m = 16, ef_construction = 64)"
VIEW = "CREATE OR REPLACE VIEW product_search AS SELECT {columns}, {vector}::halfvec AS embedding FROM {tables}"

# Statement level, so that a batch costs one set-based UPDATE and not a thousand.
SYNC = f"""CREATE FUNCTION copy_hot_columns() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE product_vector v SET ({HOT}) = (n.price, n.category, n.brand, n.stock, n.status) FROM changed n
   WHERE v.sku = n.sku AND (v.price, v.category, v.brand, v.stock, v.status)
      IS DISTINCT FROM (n.price, n.category, n.brand, n.stock, n.status);
  RETURN NULL;
END $$"""  # noqa: S608
OFFER = """CREATE FUNCTION copy_offer() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE offer o SET (price, stock) = (n.price, n.stock) FROM changed n
   WHERE o.sku = n.sku AND (o.price, o.stock) IS DISTINCT FROM (n.price, n.stock);
  RETURN NULL;
END $$"""
OFFER_TRIGGER = """CREATE TRIGGER copy_offer AFTER UPDATE ON product REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION copy_offer()"""
SYNC_TRIGGER = """CREATE TRIGGER copy_hot_columns AFTER UPDATE ON product REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION copy_hot_columns()"""


@dataclass(frozen=True)
class Layout:
    """One way to store the vectors.

    `vectors` names the table that holds them, `find` the search: {order} is the distance, with or without ` + 0`,
    which hides it from the HNSW index, and `find_exact` an own statement for the exact path where the layout has one.
    `hot` layouts leave price and stock out of every index of the table with the vectors; `mixed` ones are fed in an
    order that spreads the rows of one page over many transactions.
    """

    name: str
    says: str
    vectors: str
    find: str
    fillfactor: int = 100
    hot: bool = False
    copies: bool = False
    mixed: bool = False
    find_exact: str = ""

    @property
    def apart(self) -> bool:
        """Whether the vectors live in a table of their own."""
        return self.vectors != "product"

    @property
    def offers(self) -> bool:
        """Whether price and stock are repeated in a small table that exists to be indexed."""
        return bool(self.find_exact)

    @property
    def tables(self) -> tuple[str, ...]:
        """Returns the names of all tables of the layout."""
        return ("product", *(["product_vector"] if self.apart else []), *(["offer"] if self.offers else []))


ONE = """SELECT sku, title, price FROM product WHERE price < %(price)s
 ORDER BY (embedding <=> %(query)s){order} LIMIT 10"""
BY_OFFER = """SELECT p.sku, p.title, p.price FROM offer o JOIN product p USING (sku) WHERE o.price < %(price)s
 ORDER BY (p.embedding <=> %(query)s){order} LIMIT 10"""
JOINED = """SELECT p.sku, p.title, p.price FROM product p JOIN product_vector v USING (sku) WHERE p.price < %(price)s
 ORDER BY (v.embedding <=> %(query)s){order} LIMIT 10"""
LATE = """SELECT p.sku, p.title, p.price FROM (
  SELECT sku, embedding <=> %(query)s AS distance FROM product_vector WHERE price < %(price)s
  ORDER BY (embedding <=> %(query)s){order} LIMIT 10) v JOIN product p USING (sku)"""

LAYOUTS = (
    Layout("L1", "vector in product; price, category, brand indexed", "product", ONE),
    Layout(
        "L1h", "as L1, price in no index, fillfactor 80; feed in file order", "product", ONE, fillfactor=80, hot=True
    ),
    Layout(
        "L1s",
        "as L1h, price indexed in a side table; feed in mixed order",
        "product",
        ONE,
        fillfactor=80,
        hot=True,
        mixed=True,
        find_exact=BY_OFFER,
    ),
    Layout("L2", "narrow vector table, joined by sku", "product_vector", JOINED),
    Layout("L3", "as L2, hot columns copied and indexed beside the vector", "product_vector", LATE, copies=True),
    Layout(
        "L3h",
        "as L3, price in no index, fillfactor 80; feed in mixed order",
        "product_vector",
        LATE,
        fillfactor=80,
        hot=True,
        copies=True,
        mixed=True,
    ),
)


def tables_of(layout: Layout) -> list[str]:
    """Returns the statements that make and load the tables, without the indexes."""
    options = f"WITH (fillfactor = {layout.fillfactor})"
    start = [f"CREATE SCHEMA {layout.name.lower()}", f"SET search_path = {layout.name.lower()}, public"]
    if not layout.apart:
        return [
            *start,
            PRODUCT.format(column=", embedding halfvec(512)", options=options),
            "ALTER TABLE product ALTER embedding SET STORAGE PLAIN",
            LOAD_PRODUCT.format(column=", embedding"),
        ]
    extra = ", price numeric(12,2), category text, brand text, stock int, status text" if layout.copies else ""
    copied = f", {HOT}" if layout.copies else ""
    return [
        *start,
        PRODUCT.format(column="", options=""),
        LOAD_PRODUCT.format(column=""),
        f"CREATE TABLE product_vector (sku text PRIMARY KEY, embedding halfvec(512){extra}) {options}",
        "ALTER TABLE product_vector ALTER embedding SET STORAGE PLAIN",
        f"""INSERT INTO product_vector (sku, embedding{copied})
          SELECT sku, embedding{copied} FROM public.source ORDER BY n""",  # noqa: S608
    ]


def indexes_of(layout: Layout) -> list[str]:
    """Returns the statements for btrees, triggers, foreign key and the analyst's view; HNSW is apart, to be timed."""
    filtered = "product_vector" if layout.copies else "product"
    columns = ["category", "brand"] if layout.hot else ["price", "category", "brand"]
    made = [f"CREATE INDEX ON {filtered} ({column})" for column in columns]
    if layout.apart:
        made.append("ALTER TABLE product_vector ADD FOREIGN KEY (sku) REFERENCES product ON DELETE CASCADE")
    if layout.copies:
        made += [SYNC, SYNC_TRIGGER]
    if layout.offers:
        made += [
            "CREATE TABLE offer AS SELECT sku, price, stock FROM product",
            "ALTER TABLE offer ADD PRIMARY KEY (sku)",
            "CREATE INDEX ON offer (price)",
            OFFER,
            OFFER_TRIGGER,
        ]
    return [*made, view_of(layout, layout.vectors), *(f"ANALYZE {table}" for table in layout.tables)]


def view_of(layout: Layout, vectors: str) -> str:
    """Returns the analyst's view over the named vector table.

    The cast drops the dimension from the view's column type: without it CREATE OR REPLACE VIEW refuses a model of
    another dimension and everything built on the view would have to be dropped. The index is still used.
    """
    if not layout.apart:
        return VIEW.format(columns=FACTS, vector="embedding", tables="product")
    copied = {name.strip() for name in HOT.split(",")} if layout.copies else set()
    names = [name.strip() for name in FACTS.split(",")]
    columns = ", ".join(f"{'v' if name in copied else 'p'}.{name}" for name in names)
    return VIEW.format(columns=columns, vector="v.embedding", tables=f"product p JOIN {vectors} v ON v.sku = p.sku")

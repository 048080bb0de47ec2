-- name: tables
-- What the surface remembers of itself, beside what it is made of. `installed` has one row. Logit scales stand under the
-- digest of their model, which is the same in every database.
CREATE TABLE IF NOT EXISTS vitrine_sql_inner.installed (
    one           boolean PRIMARY KEY DEFAULT true CHECK (one),
    version       integer NOT NULL,
    fingerprint   text NOT NULL,
    role          text,
    made_role     boolean NOT NULL,
    currency      text,
    installed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS vitrine_sql_inner.model_scale (
    digest       text PRIMARY KEY,
    logit_scale  double precision NOT NULL,
    logit_bias   double precision
)

-- name: types
-- A filter as the searches of this shop mean it, and a product with its distance.
CREATE TYPE vitrine_sql_inner.wanted AS (
    price_min numeric, price_max numeric, currency text, category text, brands text[], in_stock boolean, not_skus text[]
);
CREATE TYPE vitrine_sql_inner.near AS (sku text, distance double precision)

-- name: check_asked
-- Numbers and words that would otherwise find nothing, and not say why.
CREATE FUNCTION vitrine_sql_inner.check_asked(k bigint, status text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
    IF k IS NULL OR k NOT BETWEEN 1 AND {most} THEN
        RAISE invalid_parameter_value USING MESSAGE = 'k is how many products to return: a number from 1 to {most}.';
    END IF;
    IF status NOT IN ('live', 'draft', 'hidden', 'trash') THEN
        RAISE invalid_parameter_value USING MESSAGE = format(
            'There is no status "%s". It is live, draft, hidden or trash; NULL is all of them.', status);
    END IF;
END
$function$

-- name: is_blank
-- Whether nothing is to be seen in a text: blanks and ends of lines, those of Unicode, and marks without a width.
CREATE FUNCTION vitrine_sql_inner.is_blank(said text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $function$
    SELECT said !~ '[^\s\u0085\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]'
$function$

-- name: tells_something
-- Whether there is a text to search by. A blank one finds nothing, with a notice: it may stand in somebody's own table.
CREATE FUNCTION vitrine_sql_inner.tells_something(said text) RETURNS boolean LANGUAGE plpgsql STABLE AS $function$
BEGIN
    IF vitrine_sql_inner.is_blank(said) THEN
        RAISE NOTICE 'A text without words finds nothing. Without words, select from vitrine_sql.products.';
    END IF;
    RETURN NOT COALESCE(vitrine_sql_inner.is_blank(said), true);
END
$function$

-- name: check_price
-- The same for a bound of prices, which comes as a number of any type. 19.99 is the number that it was written as: what
-- double precision adds behind its fifteenth digit is no part of a price.
CREATE FUNCTION vitrine_sql_inner.check_price(name text, bound double precision) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $function$
BEGIN
    IF bound = 'NaN' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%s is not a number (NaN). NULL is no bound.', name);
    END IF;
    RETURN bound::numeric;
END
$function$

-- name: direction
-- The unit vector of what somebody gave. A vector of another model is refused, and so is one without a direction.
CREATE FUNCTION vitrine_sql_inner.direction(given halfvec) RETURNS halfvec LANGUAGE plpgsql STABLE AS $function$
DECLARE
    model record;
BEGIN
    SELECT m.name, m.dimension INTO model FROM embedding_model AS m WHERE m.state = 'active';
    IF vector_dims(given) <> model.dimension THEN
        RAISE invalid_parameter_value USING MESSAGE = format(
            'This embedding has %s numbers, and those of the active model %s have %s. Vectors of two models cannot be '
            'compared: make it anew.', vector_dims(given), model.name, model.dimension);
    END IF;
    IF l2_norm(given) = 0 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'This embedding is all zeros, and so has no direction.';
    END IF;
    RETURN l2_normalize(given);
END
$function$

-- name: embedding_of
-- The vector of a product, whatever its status; NULL and a notice where there is none. A SKU comes from somebody's own
-- table as often as not, and one that the shop has no more should not end a join of thousands.
CREATE FUNCTION vitrine_sql_inner.embedding_of(wanted_sku text) RETURNS halfvec LANGUAGE plpgsql STABLE AS $function$
DECLARE
    kept record;
BEGIN
    SELECT p.embedding::halfvec AS embedding, p.status INTO kept FROM product AS p WHERE p.sku = wanted_sku;
    IF NOT FOUND THEN
        RAISE NOTICE 'There is no product "%".', wanted_sku;
    ELSIF kept.embedding IS NULL AND kept.status = 'live' THEN
        RAISE NOTICE 'The product "%" has no vector yet; the view embedding_coverage counts those.', wanted_sku;
    ELSIF kept.embedding IS NULL THEN
        RAISE NOTICE 'The product "%" has no vector, and gets one when it is live. It is % now.', wanted_sku, kept.status;
    END IF;
    RETURN kept.embedding;
END
$function$

-- name: shop_currency
-- What price bounds speak of: the currency that a setting names, else the one that most live products are priced in.
-- Its index is jumped through from one currency to the next, and counted only where there are several.
CREATE FUNCTION vitrine_sql_inner.shop_currency() RETURNS text LANGUAGE plpgsql STABLE AS $function$
DECLARE
    known text[];
BEGIN
    known := ARRAY(SELECT i.currency FROM vitrine_sql_inner.installed AS i WHERE i.currency IS NOT NULL);
    IF known = '{}' THEN
        known := ARRAY(
            WITH RECURSIVE each AS (
                SELECT min(f.currency) AS currency FROM product_search AS f
                UNION ALL
                SELECT (SELECT min(f.currency) FROM product_search AS f WHERE f.currency > each.currency) FROM each
                WHERE each.currency IS NOT NULL
            )
            SELECT each.currency FROM each WHERE each.currency IS NOT NULL);
    END IF;
    IF cardinality(known) < 2 THEN
        RETURN known[1];
    END IF;
    RETURN (SELECT f.currency FROM product_search AS f GROUP BY f.currency ORDER BY count(*) DESC, f.currency LIMIT 1);
END
$function$

-- name: meant
-- The filter as the shop's own search understands it: capitals make no difference where a category or a brand is not
-- written as the catalogue has it, and prices are in the shop's currency.
CREATE FUNCTION vitrine_sql_inner.meant(
    price_min double precision, price_max double precision, category text, brand text, in_stock boolean, currency text,
    not_skus text[]
) RETURNS vitrine_sql_inner.wanted LANGUAGE plpgsql STABLE AS $function$
#variable_conflict use_column
DECLARE
    w vitrine_sql_inner.wanted;
BEGIN
    w.price_min := vitrine_sql_inner.check_price('min_price', meant.price_min);
    w.price_max := vitrine_sql_inner.check_price('max_price', meant.price_max);
    IF w.price_min > w.price_max THEN
        RAISE invalid_parameter_value USING MESSAGE = format(
            'min_price (%s) is more than max_price (%s): no price is between them.', w.price_min, w.price_max);
    END IF;
    w.in_stock := COALESCE(meant.in_stock, false);
    -- Nothing is known to differ from NULL, so one among them would leave no product.
    w.not_skus := array_remove(meant.not_skus, NULL);
    w.currency := upper(btrim(meant.currency));
    IF w.currency !~ '^[A-Z]{3}$' THEN
        RAISE invalid_parameter_value USING MESSAGE = format(
            '"%s" is no currency. It has three letters, such as USD; SELECT DISTINCT currency FROM products has those of '
            'the catalogue.', meant.currency);
    END IF;
    IF w.currency IS NOT NULL AND NOT EXISTS (SELECT FROM product_search AS f WHERE f.currency = w.currency) THEN
        RAISE WARNING 'No live product is priced in %.', w.currency;
    END IF;
    IF w.currency IS NULL AND num_nonnulls(w.price_min, w.price_max) > 0 THEN
        w.currency := vitrine_sql_inner.shop_currency();
    END IF;
    -- Paths end without a slash; of slashes alone, as of '', nothing stays, and that is no filter's name.
    w.category := COALESCE(NULLIF(rtrim(btrim(meant.category), '/'), ''), meant.category);
    IF w.category IS NOT NULL
       AND NOT EXISTS (SELECT FROM product_search AS f
                       WHERE f.category = w.category OR (f.category > w.category || '/' AND f.category < w.category || '0'))
    THEN
        w.category := COALESCE((SELECT c.category FROM vitrine_sql.categories AS c
                                WHERE lower(c.category) = lower(w.category)
                                ORDER BY c.products DESC, c.category LIMIT 1), w.category);
        IF NOT EXISTS (SELECT FROM vitrine_sql.categories AS c WHERE c.category = w.category) THEN
            RAISE NOTICE 'No live product is in the category "%". The view categories has those that there are.',
                meant.category;
        END IF;
    END IF;
    IF meant.brand IS NOT NULL THEN
        w.brands := ARRAY[meant.brand];
        IF NOT EXISTS (SELECT FROM product_search AS f WHERE f.brand = meant.brand) THEN
            w.brands := w.brands || ARRAY(SELECT b.brand FROM vitrine_sql.brands AS b
                                          WHERE lower(b.brand) = lower(btrim(meant.brand)));
            IF cardinality(w.brands) = 1 THEN
                RAISE NOTICE 'No live product has the brand "%". The view brands has those that there are.', meant.brand;
            END IF;
        END IF;
    END IF;
    RETURN w;
END
$function$

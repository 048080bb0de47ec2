-- name: tokens
-- The words of what a product is called, in their order. Put into the statements below in place of {tokens}, as the
-- other parts are; splitting.py does the same to a query. Quotes and dashes are made plain first. The collation of the
-- database knows more lower case letters than "C", which brands and categories are compared by.
string_to_array(
    regexp_replace(translate(lower({text} COLLATE "default"), %(fancy)s, %(plain)s), %(separators)s, ' ', 'g'), ' ')

-- name: called
-- What a product is called: brand, the last part of its category, which names its kind, and title.
concat_ws(' ', p.brand, regexp_replace(p.category, '^.*/', ''), p.title)

-- name: try_lock
-- One refresh at a time. Until the transaction ends; where another session has it, there is nothing to do.
SELECT pg_try_advisory_xact_lock(%(key)s)

-- name: settings
-- For this transaction alone. Large catalogues take longer than a server may allow a statement, and grouping fits into
-- this much memory up to some 100,000 products.
SELECT set_config('statement_timeout', '0', true), set_config('work_mem', '64MB', true)

-- name: count_live
-- How many products there are to learn from.
SELECT count(*) FROM product WHERE status = 'live'

-- name: refresh_words
-- Words and how many products hold each. Of a word with a dash or an apostrophe the parts are words too, as in
-- Postgres's own text search. Words of descriptions and attributes are found by that (ts_stat): they need to be known,
-- so that nobody is told that they were typed wrong, and that is several times as fast. Of a description it takes as
-- much as a search does.
WITH called AS (
    SELECT one.word COLLATE "C" AS word, count(*) AS titles
    FROM product AS p, LATERAL (
        SELECT DISTINCT part AS word
        FROM unnest({tokens_of_all}) AS token,
             LATERAL (SELECT btrim(token, '''-') UNION ALL SELECT unnest(regexp_split_to_array(token, '[''-]+'))
                      WHERE token ~ '[''-]') AS parts (part)
        WHERE part <> ''
    ) AS one
    WHERE p.status = 'live' AND length(one.word) <= %(longest)s
    GROUP BY 1
), told AS (
    SELECT word COLLATE "C" AS word, ndoc AS products
    FROM ts_stat($$
        SELECT to_tsvector('simple', concat_ws(' ', title, brand, replace(category, '/', ' ')))
               || to_tsvector('simple', left(description, 20000)) || to_tsvector('simple', attributes)
        FROM product WHERE status = 'live'
    $$)
    WHERE length(word) BETWEEN 2 AND %(longest)s AND word !~ '[0-9]' AND word !~ %(separators)s
), new AS MATERIALIZED (
    SELECT word, GREATEST(COALESCE(told.products, 0), COALESCE(called.titles, 0))::integer AS products,
           COALESCE(called.titles, 0)::integer AS titles
    FROM called FULL JOIN told USING (word)
    ORDER BY titles DESC, products DESC, word
    LIMIT %(most)s
), removed AS (
    DELETE FROM search_word AS old WHERE NOT EXISTS (SELECT FROM new WHERE new.word = old.word) RETURNING 1
), written AS (
    INSERT INTO search_word AS old (word, products, titles) SELECT word, products, titles FROM new
    ON CONFLICT (word) DO UPDATE SET products = excluded.products, titles = excluded.titles
    WHERE (old.products, old.titles) <> (excluded.products, excluded.titles)
    RETURNING 1
)
SELECT (SELECT count(*) FROM new), (SELECT count(*) FROM removed) + (SELECT count(*) FROM written)

-- name: refresh_phrases
-- Phrases of two or three words that end where a part of a title ends, at least now and then: "casual shoes" and not
-- "men black", which most titles go on from. None begins with a number: "3 socks" is left of "pack of 3 socks". With
-- them the titles that several products share, brands, and categories, each with its ancestors.
WITH titled AS MATERIALIZED (
    SELECT ARRAY(
        SELECT COALESCE(NULLIF(btrim(token, '''-'), ''), '|')
        FROM unnest({tokens_of_title}) WITH ORDINALITY AS split (token, place)
        WHERE token <> ''
        ORDER BY place
    ) AS words
    FROM product AS p WHERE p.status = 'live'
), phrases AS (
    SELECT one.phrase, count(*) AS products
    FROM titled, LATERAL (
        SELECT array_to_string(words[i:i + n - 1], ' ') AS phrase,
               bool_or(COALESCE(words[i + n] = '|' OR words[i + n] = ANY (%(ending)s), true)) AS ends
        FROM generate_series(1, cardinality(words) - 1) AS i, (VALUES (2), (3)) AS sizes (n)
        WHERE i + n - 1 <= cardinality(words)
          AND NOT '|' = ANY (words[i:i + n - 1])
          AND NOT ARRAY[words[i], words[i + n - 1]] && %(edgeless)s::text[]
        GROUP BY 1
    ) AS one
    GROUP BY 1
    HAVING count(*) >= %(least)s AND count(*) FILTER (WHERE one.ends) >= %(ending_share)s::float8 * count(*)
       AND one.phrase !~ '^[0-9]+ ' AND length(one.phrase) <= %(longest_phrase)s
    ORDER BY products DESC, phrase
    LIMIT %(most_phrases)s
), titles AS (
    SELECT min(title) AS phrase, count(*) AS products
    FROM product
    WHERE status = 'live' AND length(title) <= %(longest_phrase)s AND title ~ '\S\s+\S+\s+\S+\s+\S'
    GROUP BY lower(title)
    HAVING count(*) >= 2
    ORDER BY products DESC, phrase
    LIMIT %(most_titles)s
), brands AS (
    SELECT brand AS phrase, count(*) AS products FROM product WHERE status = 'live' AND brand IS NOT NULL GROUP BY brand
    ORDER BY products DESC, phrase
    LIMIT %(most_names)s
), categories AS (
    SELECT array_to_string(parts[:depth], '/') AS phrase, sum(products) AS products
    FROM (SELECT string_to_array(category, '/') AS parts, count(*) AS products
          FROM product WHERE status = 'live' AND category IS NOT NULL GROUP BY category) AS paths,
         generate_series(1, cardinality(parts)) AS depth
    GROUP BY 1
    ORDER BY products DESC, phrase
    LIMIT %(most_names)s
), new AS MATERIALIZED (
    SELECT kind, phrase COLLATE "C" AS phrase, products::integer AS products
    FROM (SELECT 'phrase', phrase, products FROM phrases
          UNION ALL SELECT 'title', phrase, products FROM titles
          UNION ALL SELECT 'brand', phrase, products FROM brands
          UNION ALL SELECT 'category', phrase, products FROM categories) AS every (kind, phrase, products)
), removed AS (
    DELETE FROM search_phrase AS old
    WHERE NOT EXISTS (SELECT FROM new WHERE (new.kind, new.phrase) = (old.kind, old.phrase)) RETURNING 1
), written AS (
    INSERT INTO search_phrase AS old (kind, phrase, products) SELECT kind, phrase, products FROM new
    ON CONFLICT (kind, phrase) DO UPDATE SET products = excluded.products WHERE old.products <> excluded.products
    RETURNING 1
)
SELECT (SELECT count(*) FROM new), (SELECT count(*) FROM removed) + (SELECT count(*) FROM written)

-- name: refresh_pairs
-- Which two words the same products are called by, in whatever order and with whatever between them, so that "nike sh"
-- is completed by what Nike has. Of a long title the beginning: its pairs grow with the square of its words.
WITH called AS MATERIALIZED (
    SELECT ARRAY(
        SELECT DISTINCT btrim(token, '''-') COLLATE "C"
        FROM unnest({tokens_of_called}) WITH ORDINALITY AS split (token, place)
        WHERE place <= %(first_words)s AND token ~ '[^0-9''-]' AND length(token) BETWEEN 2 AND %(longest)s
          AND token <> ALL (%(edgeless)s)
        ORDER BY 1
    ) AS words
    FROM product AS p WHERE p.status = 'live'
), new AS MATERIALIZED (
    SELECT one.word, two.other, count(*)::integer AS products
    FROM called, unnest(words) WITH ORDINALITY AS one (word, place), unnest(words[place + 1:]) AS two (other)
    GROUP BY 1, 2
    HAVING count(*) >= %(least)s
    ORDER BY products DESC, 1, 2
    LIMIT %(most)s
), removed AS (
    DELETE FROM search_pair AS old
    WHERE NOT EXISTS (SELECT FROM new WHERE (new.word, new.other) = (old.word, old.other)) RETURNING 1
), written AS (
    INSERT INTO search_pair AS old (word, other, products) SELECT word, other, products FROM new
    ON CONFLICT (word, other) DO UPDATE SET products = excluded.products WHERE old.products <> excluded.products
    RETURNING 1
)
SELECT (SELECT count(*) FROM new), (SELECT count(*) FROM removed) + (SELECT count(*) FROM written)

-- name: note_refresh
-- That words were computed, and whether they differ from before: then every process reads them again.
INSERT INTO search_refresh AS known (name, products, seconds) VALUES ('words', %(products)s, %(seconds)s)
ON CONFLICT (name) DO UPDATE
SET version = known.version + %(changed)s::boolean::integer, at = now(), products = excluded.products,
    seconds = excluded.seconds
RETURNING version
